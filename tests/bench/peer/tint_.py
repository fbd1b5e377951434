"""time-interpret, on a copy of the network in PyTorch: Dynamask and ExtremalMask.

Under Lightning 2, Dynamask of version 0.3.0 leaves out the penalty of the area without a word: it adds it in a hook
that Lightning 1 called. Here the penalty is added, as the library means it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.cases import AREAS, ITERATIONS, Case

NAME = "time-interpret"
SIZELESS = False
# A part of the steps is measured, of whole batches: a batch of few examples may take hardly less than a large one.
_PART, LEAST = 10, 16
METHODS = ("dynamask", "extremal_mask", "recurrent_extremal_mask")


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    import torch
    from pytorch_lightning import Trainer
    from tint import attr
    from tint.attr.models import ExtremalMaskNet, MaskNet
    from tint.models import MLP, RNN

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    copy, inputs, depth = case.in_torch.requires_grad_(False), torch.from_numpy(case.inputs), case.inputs.shape[-1]

    class Penalised(MaskNet):  # type: ignore[misc]
        def training_step(self, batch: Any, index: int) -> Any:
            return self.net.regularisation(self.step(batch, index, "train"))

    class Free(torch.nn.Module):
        """One number for each value, whatever the input."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.values = torch.nn.Parameter(torch.zeros(count, *case.inputs.shape[1:]))

        def forward(self, x: Any) -> Any:
            return self.values

    def logits(x: Any) -> Any:
        return copy(torch.moveaxis(x, -1, 1))

    def recurrent() -> torch.nn.Module:
        layers = RNN(input_size=depth, rnn="gru", hidden_size=depth, bidirectional=True)
        return torch.nn.Sequential(layers, MLP([2 * depth, depth]))

    def run(number: int) -> None:
        for start in range(0, number, size):
            x = inputs[start : min(start + size, number)]
            trainer = Trainer(
                max_epochs=ITERATIONS // _PART,
                accelerator="cpu",
                devices=1,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            if method == "dynamask":
                net = Penalised(logits, keep_ratio=list(AREAS), batch_size=len(x), lr=0.1)
                found = attr.DynaMask(logits).attribute(x, trainer=trainer, mask_net=net, batch_size=len(x))
            else:
                model = Free(len(x)) if method == "extremal_mask" else recurrent()
                net = ExtremalMaskNet(logits, model=model, batch_size=len(x), lr=0.1)
                found = attr.ExtremalMask(logits).attribute(x, trainer=trainer, mask_net=net, batch_size=len(x))
            np.asarray(found.detach())

    run.share = 1 / _PART  # type: ignore[attr-defined]
    return run
