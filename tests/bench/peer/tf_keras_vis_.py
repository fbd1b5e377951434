"""tf-keras-vis, on the network that ends in logits; it takes all inputs at once, so they are given to it in batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.cases import NOISE, Case

NAME = "tf-keras-vis"
SIZELESS = False
METHODS = (
    "saliency",
    "guided_backpropagation",
    "grad_cam",
    "grad_cam_plus_plus",
    "layer_cam",
    "score_cam",
    "smoothgrad",
)


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
    from tf_keras_vis.layercam import Layercam
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation
    from tf_keras_vis.utils.scores import CategoricalScore

    gradient: dict[str, Any] = {"keepdims": True, "normalize_map": False}
    cam: dict[str, Any] = {
        "penultimate_layer": case.layer,
        "seek_penultimate_conv_layer": False,
        "normalize_cam": False,
    }
    kind, given = {
        "saliency": (Saliency, gradient),
        "guided_backpropagation": (Saliency, gradient),
        "smoothgrad": (Saliency, {**gradient, "smooth_samples": 50, "smooth_noise": NOISE}),
        "grad_cam": (Gradcam, cam),
        "grad_cam_plus_plus": (GradcamPlusPlus, cam),
        "layer_cam": (Layercam, cam),
        "score_cam": (Scorecam, {**cam, "batch_size": size}),
    }[method]
    modifier = GuidedBackpropagation() if method == "guided_backpropagation" else None
    peer = kind(case.linear, model_modifier=modifier, clone=True)
    # Score-CAM has a batch size of its own, and holds all masked copies of the inputs that it gets.
    step = 16 if method == "score_cam" else size

    def run(number: int) -> None:
        for start in range(0, number, step):
            part = slice(start, min(start + step, number))
            peer(CategoricalScore(case.targets[part].tolist()), case.inputs[part], **given)

    return run
