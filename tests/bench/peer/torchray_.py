"""TorchRay, on a copy of the network in PyTorch: extremal perturbation, one image at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.bench.cases import AREAS, ITERATIONS, SMOOTHNESS, Case

NAME = "torchray"
SIZELESS = True
# One image takes long: a part of the steps is measured.
_PART = 10
METHODS = ("extremal_perturbation",)


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    import torch
    from torchray.attribution.extremal_perturbation import extremal_perturbation

    from tests.support.torch_copy import channels_first

    if case.inputs.ndim != 4:
        raise ValueError("images only")
    copy, inputs = case.in_torch, channels_first(case.inputs)

    def run(number: int) -> None:
        for index in range(number):
            masks, _ = extremal_perturbation(
                copy,
                inputs[index : index + 1],
                int(case.targets[index]),
                areas=list(AREAS),
                max_iter=ITERATIONS // _PART,
                step=1,
                sigma=SMOOTHNESS,
                jitter=False,
            )
            np.asarray(torch.Tensor.detach(masks))

    run.share = 1 / _PART  # type: ignore[attr-defined]
    return run
