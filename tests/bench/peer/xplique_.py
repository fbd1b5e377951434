"""xplique, on the network that ends in logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.cases import DESIGNS, NOISE, Case

NAME = "xplique"
SIZELESS = False
METHODS = (
    "saliency",
    "gradient_input",
    "guided_backpropagation",
    "deconvnet",
    "grad_cam",
    "grad_cam_plus_plus",
    "smoothgrad",
    "vargrad",
    "integrated_gradients",
    "occlusion",
    "rise",
    "lime",
    "kernel_shap",
    "sobol",
    "hsic",
)


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    from tests.support.xplique_peer import global_sensitivity

    peers = global_sensitivity()
    depth = case.inputs.shape[-1]
    # For a series it takes masks over time and channels.
    series = case.inputs.ndim == 3
    noise = {"nb_samples": 50, "noise": NOISE, "reducer": None}
    segments = {
        "nb_samples": case.samples,
        "map_to_interpret_space": lambda x: np.array(case.segments, np.int32),
        # One value for each channel of an image, one for all of a series.
        "ref_value": np.zeros(1 if series else depth, np.float32),
    }
    kind, given = {
        "saliency": ("Saliency", {"reducer": None}),
        "gradient_input": ("GradientInput", {"reducer": None}),
        "guided_backpropagation": ("GuidedBackprop", {"reducer": None}),
        "deconvnet": ("DeconvNet", {"reducer": None}),
        "grad_cam": ("GradCAM", {"conv_layer": case.layer}),
        "grad_cam_plus_plus": ("GradCAMPP", {"conv_layer": case.layer}),
        "smoothgrad": ("SmoothGrad", noise),
        "vargrad": ("VarGrad", noise),
        "integrated_gradients": ("IntegratedGradients", {"steps": 50, "reducer": None}),
        "occlusion": (
            "Occlusion",
            {"patch_size": (case.window, depth) if series else (case.window,) * 2, "patch_stride": (1, 1)},
        ),
        "rise": ("Rise", {"nb_samples": case.samples, "grid_size": (*case.cells, depth) if series else case.cells}),
        "lime": ("Lime", segments),
        "kernel_shap": ("KernelShap", segments),
        "sobol": ("SobolAttributionMethod", {"grid_size": case.cells[0], "nb_design": DESIGNS}),
        "hsic": ("HsicAttributionMethod", {"grid_size": case.cells[0], "nb_design": case.samples}),
    }[method]
    if series and method in ("sobol", "hsic"):
        raise ValueError("its grid of masks is of an image")
    if series and method in ("lime", "kernel_shap"):
        # Its masks of a series have an axis of channels.
        over_all = np.repeat(case.segments[:, np.newaxis], depth, axis=1).astype(np.int32)
        given = {**given, "map_to_interpret_space": lambda x: over_all}
    peer: Any = getattr(peers, kind)(case.linear, batch_size=size, **given)
    one_hot = np.eye(case.model.output_shape[-1], dtype=np.float32)[case.targets]
    return lambda number: np.asarray(peer.explain(case.inputs[:number], one_hot[:number]))
