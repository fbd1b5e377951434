"""zennit, on a copy of the network in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.bench.cases import Case
from tests.support import stand_ins

NAME = "zennit"
SIZELESS = False
METHODS = ("lrp",)


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package: the rule epsilon for every layer, norms merged into their convolutions."""
    import torch

    from tests.support.torch_copy import channels_first, merged

    stand_ins.imported("zennit.composites")
    from zennit.composites import LayerMapComposite
    from zennit.rules import Epsilon
    from zennit.types import Convolution, Linear

    copy, inputs, classes = merged(case.in_torch), channels_first(case.inputs), torch.tensor(case.targets)
    composite = LayerMapComposite([(Convolution, Epsilon()), (Linear, Epsilon())])

    def run(number: int) -> None:
        for start in range(0, number, size):
            x = inputs[start : min(start + size, number)].clone().requires_grad_()
            rows, target = torch.arange(len(x)), classes[start : start + len(x)]
            with composite.context(copy) as modified:
                logits = modified(x)
                begin = torch.zeros_like(logits)
                begin[rows, target] = logits.detach()[rows, target]
                (found,) = torch.autograd.grad(logits, x, begin)
            np.asarray(found.detach())

    return run
