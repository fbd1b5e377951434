"""The keys of `training` in `config.yaml`: type, default, limits and description of each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pellucid.config.section import LARGEST_SEED, Number, Section


class StepSchedule(Section):
    epochs: int = Field(
        default=10,
        ge=1,
        le=100_000,
        description="After each so many epochs, counted from the first, the learning rate is multiplied.",
    )
    factor: Number = Field(default=0.1, gt=0, le=1, description="The learning rate is multiplied by this.")


class ReduceOnPlateau(Section):
    patience: int = Field(default=0, ge=0, le=100_000, description="Epochs without a new best; 0 for never.")
    factor: Number = Field(default=0.5, gt=0, le=1, description="The learning rate is multiplied by this.")


class EarlyStopping(Section):
    patience: int = Field(default=0, ge=0, le=100_000, description="Epochs without a new best; 0 for never.")


class Augmentation(Section):
    jitter: Number = Field(
        default=0, ge=0, le=100, description="Gaussian noise; its sd as a share of that of the example's channel."
    )
    shift: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Samples or pixels, at most, along every axis; the value at the edge is repeated.",
    )
    scale: Number = Field(
        default=0, ge=0, lt=1, description="Series; factor of the amplitude from 1 - scale to 1 + scale."
    )
    time_warp: Number = Field(
        default=0, ge=0, lt=1, description="Series; by how much time runs faster and slower at most, as a share."
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        default="none",
        description="Images; every other one is mirrored, left to right (horizontal) or top to bottom.",
    )
    rotation: Number = Field(default=0, ge=0, le=180, description="Images; degrees, at most, either way.")
    brightness: Number = Field(
        default=0, ge=0, le=100, description="Images; what is added at most, as a share of the image's own range."
    )


class TrainingSettings(Section):
    """Settings of one training; a training on random labels monitors its training loss."""

    epochs: int = Field(
        default=20,
        ge=0,
        le=100_000,
        description="Passes over the training examples; 0 keeps the weights that the model starts from.",
    )
    batch_size: int = Field(default=128, ge=1, le=1_000_000, description="Examples per step.")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        default="adam", description="Adam, Adam with decoupled weight decay, or stochastic gradient descent."
    )
    learning_rate: Number = Field(default=0.001, gt=0, le=1000, description="Full step of the optimizer.")
    momentum: Number = Field(default=0.9, ge=0, lt=1, description="Of sgd; the others have their own.")
    weight_decay: Number = Field(
        default=0,
        ge=0,
        le=1000,
        description="Of adamw and sgd: each step takes learning rate × weight_decay of every weight away; biases and "
        "normalisations have none.",
    )
    schedule: Literal["constant", "cosine", "step"] = Field(
        default="constant", description="Of the learning rate over the training."
    )
    step: StepSchedule = Field(default=StepSchedule(), description="Of schedule step.")
    warmup_epochs: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Epochs over which the learning rate rises to its full size, step by step.",
    )
    reduce_on_plateau: ReduceOnPlateau = Field(
        default=ReduceOnPlateau(),
        description="Multiply the learning rate where the monitored score has stopped to improve.",
    )
    early_stopping: EarlyStopping = Field(
        default=EarlyStopping(), description="End the training where the monitored score has stopped to improve."
    )
    loss: Literal["crossentropy", "focal", "mse", "mae", "huber"] | None = Field(
        default=None,
        description="Of classes and labels: crossentropy, or focal, which makes less of examples that are classified "
        "well; of several labels the mean of both answers' loss over the labels. Of a regression: mse (squared error), "
        "mae (absolute error) or huber (squared below one standard deviation, absolute above it), of values in "
        "standard deviations of the training examples. If absent, crossentropy, and mse for a regression.",
    )
    focal_gamma: Number = Field(
        default=2, gt=0, le=100, description="Exponent of the focal loss; 0 would be the cross-entropy."
    )
    label_smoothing: Number = Field(
        default=0,
        ge=0,
        lt=1,
        description="Share of each label that is spread evenly over all classes; of several labels, over yes and no. "
        "Not for a regression.",
    )
    class_weights: Literal["none", "sqrt", "balanced"] = Field(
        default="none",
        description="Weight of each class in the loss. Of several labels, how often an example that has the label "
        "counts: balanced, as often as there are examples without it for each with it; sqrt, the square root of that.",
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        default="float32",
        description="Of the computations of the training; weights, and all that follows, are in float32.",
    )
    augmentation: Augmentation = Field(
        default=Augmentation(),
        description="Random changes of the training examples, anew in every epoch; 0 and none are off.",
    )
    monitor: Literal["loss", "val_loss", "val_accuracy", "val_balanced_accuracy", "val_macro_auroc", "val_mae"] = (
        "val_loss"
    )
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = Field(
        default=None,
        description="Of the weights that a training starts from, its batches and its dropout. If absent, the `seed` of "
        "the experiment.",
    )
    # Absent and 0 are the same, so that trainings that keep none are known by the settings that they always had.
    kept_checkpoints: Annotated[
        Annotated[int, Field(ge=0, le=1_000)] | None, AfterValidator(lambda count: count or None)
    ] = Field(
        default=None,
        description="After how many epochs, spread evenly over all `epochs`, the weights are kept in "
        "`model/checkpoints.npz`, for the view training_influence; at most after each. If absent, 0: after none.",
    )

    def kept_epochs(self) -> list[int]:
        """Return the epochs after which the weights are kept, from 1; the last one is that of `epochs`."""
        count = min(self.kept_checkpoints or 0, self.epochs)
        return [number * self.epochs // count for number in range(1, count + 1)]


class Training(TrainingSettings):
    """The `training` entry of an experiment."""

    recipe: Literal["few_examples"] | None = Field(
        default=None,
        description="Other defaults for all keys that are not stated. few_examples is for some hundred of them: small "
        "batches and many epochs, a learning rate that falls to nothing, weight decay, smoothed labels, and examples "
        "that are changed a little in every epoch.",
    )
    monitor: Literal["val_loss", "val_accuracy", "val_balanced_accuracy", "val_macro_auroc", "val_mae"] = Field(
        default="val_loss",
        description="The validation score by which the best epoch is kept: val_loss for every task; the accuracies for "
        "one class of each example, val_macro_auroc (mean area under the ROC curve of the labels) for several labels, "
        "val_mae (mean absolute error, in the unit of the data) for a regression.",
    )
