"""Turn the `training` entry of an experiment into what Keras fits a model with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.config.training_keys import TrainingSettings
from pellucid.network import dtype_policy
from pellucid.tasks import MULTI_LABEL, REGRESSION
from pellucid.train.objective import Objective

if TYPE_CHECKING:
    import keras

CLASSES = Objective()
_OF_VALUES = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "huber": "huber"}


def class_weights(counts: Mapping[str, int], choice: str) -> NDArray[np.float32]:
    """Return the weight of each class; the mean weight over the examples is 1.

    Args:
        counts: examples of each class; not known for examples without labels, because no model is fitted to them.
        choice: none: 1. balanced: n / (classes · n_class), so that every class has the same total weight. sqrt:
            proportional to the square root of the balanced weight.
    """
    sizes = np.array(list(counts.values()), np.float64)
    if choice == "none":
        return np.ones(len(sizes), np.float32)
    # Only classes with examples count: of ImageNet's 1,000 a folder may hold two.
    weights = sizes.sum() / (np.count_nonzero(sizes) * np.maximum(sizes, 1))
    if choice == "sqrt":
        weights = np.sqrt(weights)
        weights *= sizes.sum() / (weights * sizes).sum()
    single: NDArray[np.float32] = weights.astype(np.float32)
    return single


def make_optimizer(training: TrainingSettings, variables: list[Any]) -> keras.Optimizer:
    """Return the optimizer that `training` names, built for `variables`.

    Weight decay is decoupled from the gradient (Loshchilov & Hutter 2019, arXiv:1711.05101) and leaves biases and the
    scales and shifts of normalisations alone (He et al. 2019, arXiv:1812.01187, section 3.1).
    """
    import keras

    # Keras refuses whole numbers for some of them.
    rate, momentum, decay = float(training.learning_rate), float(training.momentum), float(training.weight_decay)
    optimizer: keras.Optimizer
    if training.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate)
    elif training.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=momentum, weight_decay=decay or None)
    optimizer.exclude_from_weight_decay([variable for variable in variables if len(variable.shape) < 2])
    optimizer.build(variables)
    return optimizer


def make_loss(training: TrainingSettings, objective: Objective = CLASSES) -> Any:
    """Return the loss that `training` names, as Keras takes it, for what the objective fits a model to."""
    if objective.task == REGRESSION:
        return _OF_VALUES[objective.loss]
    if objective.task == MULTI_LABEL:
        from pellucid.train.target_losses import LabelsLoss

        gamma = training.focal_gamma if training.loss == "focal" else 0.0
        return LabelsLoss(gamma, training.label_smoothing, objective.positive_weights)
    gamma = training.focal_gamma if training.loss == "focal" else 0.0
    if not (gamma or training.label_smoothing):
        return "sparse_categorical_crossentropy"
    from pellucid.train.losses import SmoothedFocalLoss

    return SmoothedFocalLoss(gamma, training.label_smoothing)


def metrics(network: keras.Model, objective: Objective) -> list[Any]:
    """Return the scores of each epoch beside the loss, as Keras takes them."""
    import keras

    from pellucid.train.losses import BalancedAccuracy
    from pellucid.train.target_losses import AbsoluteError

    if objective.task == REGRESSION:
        return [AbsoluteError(objective.deviations)]
    if objective.task == MULTI_LABEL:
        return [keras.metrics.BinaryAccuracy("label_accuracy")]
    return ["accuracy", BalancedAccuracy(network.output_shape[-1])]


def compile_model(
    network: keras.Model,
    training: TrainingSettings,
    state: list[Any] | None = None,
    objective: Objective = CLASSES,
) -> keras.Model:
    """Compile a model in place and return it.

    Args:
        network: built.
        training: complete.
        state: variables of the optimizer of an earlier run, to go on with.
        objective: what the model is fitted to.
    """
    optimizer = make_optimizer(training, network.trainable_variables)
    for variable, saved in zip(optimizer.variables, state or optimizer.variables, strict=True):
        variable.assign(saved)
    loss, scores = make_loss(training, objective), metrics(network, objective)
    network.compile(optimizer=optimizer, loss=loss, metrics=scores)
    return network


def ready_to_fit(network: keras.Model, training: TrainingSettings, objective: Objective = CLASSES) -> keras.Model:
    """Return a newly built model in the precision that `training` names, compiled.

    Without epochs the model stays as it is, so that its file holds no optimizer.
    """
    if not training.epochs:
        return network
    if training.precision != "float32":
        network = dtype_policy.recast(network, training.precision)
    return compile_model(network, training, objective=objective)
