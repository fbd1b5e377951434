"""The networks, inputs and settings on which Pellucid and its peers are timed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.logits import logits_copy

METHODS = (
    "saliency",
    "gradient_input",
    "guided_backpropagation",
    "deconvnet",
    "grad_cam",
    "grad_cam_plus_plus",
    "layer_cam",
    "guided_grad_cam",
    "score_cam",
    "smoothgrad",
    "vargrad",
    "integrated_gradients",
    "occlusion",
    "rise",
    "lime",
    "kernel_shap",
    "deep_shap",
    "gradient_shap",
    "lrp",
    "hires_cam",
    "xgrad_cam",
    "ablation_cam",
    "eigen_cam",
    "full_grad",
    "sobol",
    "hsic",
    "layer_conductance",
    "layer_integrated_gradients",
    "internal_influence",
    "neuron_conductance",
    "neuron_gradient",
    "extremal_perturbation",
    "dynamask",
    "extremal_mask",
    "recurrent_extremal_mask",
)
# Rows of the background of Deep SHAP and Gradient SHAP, the noise of SmoothGrad, and the designs of Sobol indices.
BACKGROUND, NOISE, DESIGNS = 50, 0.15, 32
# Steps (the default), areas and radius of learned masks.
ITERATIONS, AREAS, SMOOTHNESS = 300, (0.05, 0.1, 0.2, 0.4), 3
# Of each network: its input, classes, window of occlusion, and parts of each axis for masks and segments.
NETWORKS: dict[str, tuple[str, tuple[int, ...], int, int, tuple[int, ...]]] = {
    "heartbeat": ("heartbeat_cnn", (186, 1), 5, 15, (12,)),
    "multivariate": ("multivariate_cnn", (300, 9), 6, 10, (20,)),
    "digit": ("digit_cnn", (28, 28, 1), 10, 5, (7, 7)),
    "ecg": ("xresnet1d101", (1000, 12), 5, 50, (20,)),
}
# Methods of series alone.
OF_SERIES = ("dynamask", "recurrent_extremal_mask")
# The others are compared where they are named.
SMALL = ("heartbeat", "multivariate", "digit")


@dataclass
class Case:
    """A network with random weights, inputs, and the settings of each method.

    Attributes:
        name: of the network, a key of `NETWORKS`.
        inputs: (N, *input_shape), uniform noise.
        training: (100, *input_shape), for backgrounds.
        samples: masks, coalitions and noisy points of the methods that draw many; fewer where there are more inputs,
            so that the benchmark ends in time.
    """

    name: str
    number: int
    inputs: NDArray[np.float32] = field(init=False)
    training: NDArray[np.float32] = field(init=False)
    samples: int = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        shape = NETWORKS[self.name][1]
        self.inputs = rng.random((self.number, *shape), np.float32)
        self.training = rng.random((100, *shape), np.float32)
        self.samples = 512 if self.number <= 32 and self.name in SMALL else 128

    @cached_property
    def model(self) -> Any:
        """The network, ending in a softmax."""
        import keras

        from tests.conftest import settled

        keras.utils.set_random_seed(0)
        architecture, shape, classes, _, _ = NETWORKS[self.name]
        return settled(importlib.import_module(f"pellucid.models.{architecture}").build(shape, classes))

    @property
    def in_torch(self) -> Any:
        """A new copy in PyTorch, ending in logits."""
        from tests.support.torch_copy import torch_copy
        from tests.support.torch_graph import torch_graph

        return torch_copy(self.model) if self.name in SMALL else torch_graph(self.model)

    @cached_property
    def linear(self) -> Any:
        """The same network ending in logits, for peers that explain the model's output."""
        return logits_copy(self.model)

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """The predicted classes, which peers that explain the first of all classes explain too."""
        return np.asarray(self.linear.predict(self.inputs, verbose=0).argmax(1), np.int64)

    def has(self, method: str) -> bool:
        """Return whether a method applies to the inputs."""
        return method not in OF_SERIES or self.inputs.ndim == 3

    @property
    def window(self) -> int:
        return NETWORKS[self.name][3]

    @property
    def cells(self) -> tuple[int, ...]:
        """Parts of each axis: cells of a mask, or segments."""
        return NETWORKS[self.name][4]

    @cached_property
    def segments(self) -> NDArray[np.int64]:
        """The segment of each position, through all channels: (*axes)."""
        axes = self.inputs.shape[1:-1]
        along = [np.arange(length) * parts // length for length, parts in zip(axes, self.cells, strict=True)]
        return np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), self.cells)

    @property
    def layer(self) -> str:
        """The last convolution."""
        return [layer.name for layer in self.model.layers if type(layer).__name__.startswith("Conv")][-1]

    def parameters(self, method: str) -> dict[str, Any]:
        """What Pellucid's method gets; the peers are set to the same."""
        segments = {"samples": self.samples, "segments": int(np.prod(self.cells)), "channels": "together"}
        given: dict[str, dict[str, Any]] = {
            "smoothgrad": {"samples": 50, "noise": NOISE},
            "vargrad": {"samples": 50, "noise": NOISE},
            "integrated_gradients": {"steps": 50},
            # As the program of its authors, and the peers, weigh the maps.
            "score_cam": {"weights": "probability"},
            "occlusion": {"window": self.window, "stride": 1, "channels": "together"},
            "rise": {"masks": self.samples, "cells": list(self.cells)},
            "lime": segments,
            "kernel_shap": segments,
            "deep_shap": {"background": BACKGROUND, "training": self.training},
            "gradient_shap": {"background": BACKGROUND, "samples": 50, "training": self.training},
            # The rule that captum has for every layer.
            "lrp": dict.fromkeys(("first", "convolution", "dense"), "epsilon"),
            "sobol": {"designs": DESIGNS, "segments": segments["segments"], "channels": "together"},
            "hsic": segments,
            "layer_conductance": {"layer": self.layer, "steps": 50},
            "layer_integrated_gradients": {"layer": self.layer, "steps": 50},
            "internal_influence": {"layer": self.layer, "steps": 50},
            "neuron_conductance": {"layer": self.layer, "steps": 50},
            "neuron_gradient": {"layer": self.layer},
            "extremal_perturbation": {"areas": AREAS, "smoothness": SMOOTHNESS, "iterations": ITERATIONS},
            "dynamask": {"areas": AREAS, "compare": "all", "iterations": ITERATIONS},
            "extremal_mask": {"compare": "all", "iterations": ITERATIONS},
            "recurrent_extremal_mask": {"compare": "all", "iterations": ITERATIONS},
        }
        return given.get(method, {})
