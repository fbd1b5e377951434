"""lime, which takes images alone, in three colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.cases import Case

NAME = "lime"
SIZELESS = False
METHODS = ("lime",)


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package.

    Raises:
        ValueError: inputs that are no images.
    """
    from lime.lime_image import LimeImageExplainer

    if case.inputs.ndim != 4:
        raise ValueError("images only")
    explainer = LimeImageExplainer(random_state=0)

    def classify(images: NDArray[Any]) -> NDArray[Any]:
        grey = np.asarray(images, np.float32)[..., :1]
        return np.asarray(case.linear.predict(grey, batch_size=size, verbose=0))

    def run(number: int) -> None:
        for x, target in zip(case.inputs[:number], case.targets, strict=False):
            explainer.explain_instance(
                np.repeat(x, 3, axis=-1).astype(float),
                classify,
                labels=(int(target),),
                top_labels=None,
                hide_color=0,
                num_samples=case.samples,
                batch_size=size,
                segmentation_fn=lambda image: case.segments,
            )

    return run
