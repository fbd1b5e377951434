"""captum, on a copy of the network in PyTorch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.cases import BACKGROUND, NOISE, SMALL, Case
from tests.bench.layers import UNIT

NAME = "captum"
SIZELESS = False
METHODS = (
    "saliency",
    "gradient_input",
    "guided_backpropagation",
    "deconvnet",
    "grad_cam",
    "guided_grad_cam",
    "smoothgrad",
    "vargrad",
    "integrated_gradients",
    "occlusion",
    "lime",
    "kernel_shap",
    "deep_shap",
    "gradient_shap",
    "lrp",
    "layer_conductance",
    "layer_integrated_gradients",
    "internal_influence",
    "neuron_conductance",
    "neuron_gradient",
)


def give_epsilon_rules(copy: Any) -> None:
    """Give every layer of a copy the rule epsilon, which captum gives to few kinds by itself."""
    import torch
    from captum.attr._utils import lrp_rules

    for name, module in list(copy.named_children()):
        if isinstance(module, torch.nn.Identity):
            setattr(copy, name, torch.nn.Dropout().eval())  # a layer that gives its input back confuses captum's hooks
        elif not isinstance(module, torch.nn.ReLU):
            module.rule = lrp_rules.EpsilonRule()


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    import torch
    from captum import attr

    from tests.support.torch_copy import channels_first

    copy = case.in_torch
    inputs, classes = channels_first(case.inputs), torch.tensor(case.targets)
    name = case.layer
    layer = getattr(copy, f"{name}_activation", None) or getattr(copy, name)
    axes, depth = case.inputs.shape[1:-1], case.inputs.shape[-1]
    rows = channels_first(case.training[:BACKGROUND])
    mask = torch.tensor(case.segments)[None, None]
    # The windows of a deep network take equally long: some of them, evenly spaced, stand for all.
    step_of_windows = 1 if case.name in SMALL else 10
    mode = "linear" if len(axes) == 1 else "bilinear"
    neuron = (UNIT,) * (1 + len(axes))

    def settings(copies: int) -> dict[str, Any]:
        """Arguments of `attribute`; `copies` of each input go through the network at a time."""
        segments = {"feature_mask": mask, "n_samples": case.samples, "perturbations_per_eval": size, "baselines": 0}
        noise = {"nt_samples": 50, "nt_samples_batch_size": min(copies, 50), "stdevs": NOISE, "abs": False}
        given: dict[str, dict[str, Any]] = {
            "guided_grad_cam": {"interpolate_mode": mode},
            "smoothgrad": {**noise, "nt_type": "smoothgrad"},
            "vargrad": {**noise, "nt_type": "vargrad"},
            "integrated_gradients": {"n_steps": 50, "internal_batch_size": size},
            "occlusion": {
                "sliding_window_shapes": (depth, *[case.window] * len(axes)),
                "strides": (1, *[step_of_windows] * len(axes)),
                "baselines": 0,
                "perturbations_per_eval": copies,
            },
            "lime": segments,
            "kernel_shap": segments,
            "deep_shap": {"baselines": rows},
            "gradient_shap": {"baselines": rows, "n_samples": 50},
            "layer_conductance": {"n_steps": 50, "internal_batch_size": size},
            "layer_integrated_gradients": {"n_steps": 51, "internal_batch_size": size, "method": "riemann_trapezoid"},
            "internal_influence": {"n_steps": 51, "internal_batch_size": size},
            "neuron_conductance": {"n_steps": 51, "internal_batch_size": size, "neuron_selector": neuron},
            "neuron_gradient": {"neuron_selector": neuron},
        }
        return given.get(method, {})

    peer = {
        "saliency": lambda: attr.Saliency(copy),
        "gradient_input": lambda: attr.InputXGradient(copy),
        "guided_backpropagation": lambda: attr.GuidedBackprop(copy),
        "deconvnet": lambda: attr.Deconvolution(copy),
        "grad_cam": lambda: attr.LayerGradCam(copy, layer),
        "guided_grad_cam": lambda: attr.GuidedGradCam(copy, layer),
        "smoothgrad": lambda: attr.NoiseTunnel(attr.Saliency(copy)),
        "vargrad": lambda: attr.NoiseTunnel(attr.Saliency(copy)),
        "integrated_gradients": lambda: attr.IntegratedGradients(copy),
        "occlusion": lambda: attr.Occlusion(copy),
        "lime": lambda: attr.Lime(copy),
        "kernel_shap": lambda: attr.KernelShap(copy),
        "deep_shap": lambda: attr.DeepLiftShap(copy),
        "gradient_shap": lambda: attr.GradientShap(copy),
        "lrp": lambda: attr.LRP(copy),
        "layer_conductance": lambda: attr.LayerConductance(copy, layer),
        "layer_integrated_gradients": lambda: attr.LayerIntegratedGradients(copy, layer),
        "internal_influence": lambda: attr.InternalInfluence(copy, layer),
        "neuron_conductance": lambda: attr.NeuronConductance(copy, layer),
        "neuron_gradient": lambda: attr.NeuronGradient(copy, layer),
    }[method]()
    # Those that multiply a whole batch by their own number of copies get as many inputs as fill it.
    copies = {"deep_shap": 2 * BACKGROUND, "gradient_shap": 50}.get(method, 1)

    def run(number: int) -> None:
        step = max(1, size // copies)
        for start in range(0, number, step):
            x = inputs[start : min(start + step, number)].clone().requires_grad_()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of every hook that it sets
                if method == "lrp":
                    give_epsilon_rules(copy)  # captum takes the rules away at the end of each call
                target = {} if method == "neuron_gradient" else {"target": classes[start : start + len(x)]}
                found = peer.attribute(x, **target, **settings(max(1, size // len(x))))
                if method == "grad_cam":
                    found = attr.LayerAttribution.interpolate(found.relu(), axes, mode)
            np.asarray(found.detach())

    if method == "occlusion":
        windows = [(length - case.window, step_of_windows) for length in axes]
        run.share = math.prod((-(-n // step) + 1) / (n + 1) for n, step in windows)  # type: ignore[attr-defined]
    return run
