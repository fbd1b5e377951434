"""shap, on the network that ends in logits; asked for the first class of each input, which is its target."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.cases import BACKGROUND, Case

NAME = "shap"
SIZELESS = False
METHODS = ("kernel_shap", "deep_shap", "gradient_shap")


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    import shap

    rows = case.training[:BACKGROUND]

    def quietly(call: Callable[[], Any]) -> Any:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            return call()

    if method == "kernel_shap":
        return lambda number: quietly(lambda: kernel(shap, case, size, number))
    if method == "gradient_shap":
        explainer = quietly(lambda: shap.GradientExplainer(case.linear, rows, batch_size=size))
        options: dict[str, Any] = {"nsamples": 50}
    else:
        explainer = quietly(lambda: shap.DeepExplainer(case.linear, rows))
        options = {"check_additivity": False}
    return lambda number: quietly(lambda: explainer.shap_values(case.inputs[:number], ranked_outputs=1, **options))


def kernel(shap: Any, case: Case, size: int, number: int) -> None:
    """Kernel SHAP over the segments of each input, with a background of zeros."""
    labels = case.segments.ravel()

    for x, target in zip(case.inputs[:number], case.targets, strict=False):
        flat = x.reshape(len(labels), -1)

        def score(keep: NDArray[Any], flat: NDArray[np.float32] = flat, target: int = int(target)) -> NDArray[Any]:
            mixed = (keep[:, labels, np.newaxis] * flat).astype(np.float32).reshape(-1, *case.inputs.shape[1:])
            return case.linear.predict(mixed, batch_size=size, verbose=0)[:, target]

        count = int(labels.max()) + 1
        explainer = shap.KernelExplainer(score, np.zeros((1, count)))
        explainer.shap_values(np.ones((1, count)), nsamples=case.samples, silent=True, l1_reg=False)
