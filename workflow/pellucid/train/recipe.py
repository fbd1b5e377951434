"""The `training` entry of an experiment, turned into what Keras fits a model with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.network import dtype_policy

if TYPE_CHECKING:
    import keras


def class_weights(counts: Mapping[str, int], choice: str) -> NDArray[np.float32]:
    """Weight per class, whose mean over the examples is 1.

    Args:
        counts: examples of each class.
        choice: none: 1. balanced: n / (classes · n_class), so that every class weighs the same in sum. sqrt: in
            proportion to the square root of that, half-way between the two.
    """
    sizes = np.array(list(counts.values()), np.float64)
    if choice == "none":
        return np.ones(len(sizes), np.float32)
    # Classes that no example has take no share: of ImageNet's 1,000 a folder may hold two.
    weights = sizes.sum() / (np.count_nonzero(sizes) * np.maximum(sizes, 1))
    if choice == "sqrt":
        weights = np.sqrt(weights)
        weights *= sizes.sum() / (weights * sizes).sum()
    single: NDArray[np.float32] = weights.astype(np.float32)
    return single


def optimizer(training: Mapping[str, Any], variables: list[Any]) -> keras.Optimizer:
    """The optimizer that a recipe names, built for `variables`.

    Weight decay is decoupled from the gradient (Loshchilov & Hutter 2019, arXiv:1711.05101) and leaves biases and the
    scales and shifts of normalisations alone (He et al. 2019, arXiv:1812.01187, section 3.1).
    """
    import keras

    rate, decay = training["learning_rate"], training["weight_decay"]
    made: keras.Optimizer
    if training["optimizer"] == "adam":
        made = keras.optimizers.Adam(rate)
    elif training["optimizer"] == "adamw":
        made = keras.optimizers.AdamW(rate, weight_decay=decay)
    else:
        made = keras.optimizers.SGD(rate, momentum=training["momentum"], weight_decay=decay or None)
    made.exclude_from_weight_decay([variable for variable in variables if len(variable.shape) < 2])
    made.build(variables)
    return made


def loss(training: Mapping[str, Any]) -> Any:
    """The loss that a recipe names, as Keras takes it: for class numbers and probabilities."""
    gamma = training["focal_gamma"] if training["loss"] == "focal" else 0.0
    if not (gamma or training["label_smoothing"]):
        return "sparse_categorical_crossentropy"
    from pellucid.train.losses import Objective

    return Objective(gamma, training["label_smoothing"])


def compiled(network: keras.Model, training: Mapping[str, Any], state: list[Any] | None = None) -> keras.Model:
    """The network itself, ready to be fitted.

    Args:
        network: built.
        training: complete.
        state: variables of the optimizer to go on from.
    """
    from pellucid.train.losses import BalancedAccuracy

    made = optimizer(training, network.trainable_variables)
    for own, saved in zip(made.variables, state or made.variables, strict=True):
        own.assign(saved)
    metrics = ["accuracy", BalancedAccuracy(network.output_shape[-1])]
    network.compile(optimizer=made, loss=loss(training), metrics=metrics)
    return network


def prepared(network: keras.Model, training: Mapping[str, Any]) -> keras.Model:
    """A network as it is built, in the recipe's precision and ready to be fitted.

    What is never fitted is left as it is: without an optimizer in the file.
    """
    if not training["epochs"]:
        return network
    return compiled(
        network if training["precision"] == "float32" else dtype_policy.recast(network, training["precision"]), training
    )
