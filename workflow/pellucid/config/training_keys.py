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
        description="The learning rate is multiplied by `factor` each time so many epochs have passed.",
    )
    factor: Number = Field(default=0.1, gt=0, le=1, description="The learning rate is multiplied by this.")


class ReduceOnPlateau(Section):
    patience: int = Field(default=0, ge=0, le=100_000, description="Epochs without a new best; 0 for never.")
    factor: Number = Field(default=0.5, gt=0, le=1, description="The learning rate is multiplied by this.")


class EarlyStopping(Section):
    patience: int = Field(default=0, ge=0, le=100_000, description="Epochs without a new best; 0 for never.")


class Augmentation(Section):
    jitter: Number = Field(
        default=0,
        ge=0,
        le=100,
        description="Gaussian noise: its standard deviation, as a share of that of the example's channel.",
    )
    shift: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Shift by so many samples or pixels at most, along every axis; the value at the edge is repeated.",
    )
    scale: Number = Field(
        default=0,
        ge=0,
        lt=1,
        description="Series: the amplitude is multiplied by a factor from 1 - scale to 1 + scale.",
    )
    time_warp: Number = Field(
        default=0, ge=0, lt=1, description="Series: how much faster or slower time runs at most, as a share."
    )
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        default="none",
        description="Images; every other one is mirrored, left to right (horizontal) or top to bottom.",
    )
    rotation: Number = Field(default=0, ge=0, le=180, description="Images: degrees at most, in both directions.")
    brightness: Number = Field(
        default=0, ge=0, le=100, description="Images: what is added at most, as a share of the range of the image."
    )


class TrainingSettings(Section):
    """Settings of one training; a training on random labels monitors its training loss."""

    epochs: int = Field(
        default=20,
        ge=0,
        le=100_000,
        description="Passes over the training examples; 0 trains nothing and keeps the weights of the model.",
    )
    batch_size: int = Field(default=128, ge=1, le=1_000_000, description="Examples per step.")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        default="adam",
        description="Adam, Adam with decoupled weight decay (adamw), or stochastic gradient descent (sgd).",
    )
    learning_rate: Number = Field(
        default=0.001, gt=0, le=1000, description="Learning rate of the optimizer, before `schedule`."
    )
    momentum: Number = Field(default=0.9, ge=0, lt=1, description="Momentum of sgd; adam and adamw do not use it.")
    weight_decay: Number = Field(
        default=0,
        ge=0,
        le=1000,
        description="For adamw and sgd: each step reduces every weight by learning rate × weight_decay of its value; "
        "biases and normalisations are not reduced.",
    )
    schedule: Literal["constant", "cosine", "step"] = Field(
        default="constant", description="How the learning rate changes over the training."
    )
    step: StepSchedule = Field(default=StepSchedule(), description="Settings of the schedule `step`.")
    warmup_epochs: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Epochs over which the learning rate rises to its full size, step by step.",
    )
    reduce_on_plateau: ReduceOnPlateau = Field(
        default=ReduceOnPlateau(),
        description="Lower the learning rate when the monitored score no longer improves.",
    )
    early_stopping: EarlyStopping = Field(
        default=EarlyStopping(), description="End the training when the monitored score no longer improves."
    )
    loss: Literal["crossentropy", "focal", "mse", "mae", "huber"] | None = Field(
        default=None,
        description="For classes and labels: crossentropy, or focal, which gives less weight to examples that are "
        "classified well; with several labels, the mean over the labels. For a regression: mse (squared error), mae "
        "(absolute error) or huber (squared below one standard deviation, absolute above it), of values in standard "
        "deviations of the training examples. If absent, crossentropy, or mse for a regression.",
    )
    focal_gamma: Number = Field(
        default=2, gt=0, le=100, description="Exponent of the focal loss; 0 would be the cross-entropy."
    )
    label_smoothing: Number = Field(
        default=0,
        ge=0,
        lt=1,
        description="Share of each label that is spread evenly over all classes; with several labels, over yes and "
        "no. Not for a regression.",
    )
    class_weights: Literal["none", "sqrt", "balanced"] = Field(
        default="none",
        description="Weight of each class in the loss: balanced makes all classes count the same in sum, sqrt takes "
        "the square root of these weights. With several labels, the weight of an example that has the label: "
        "balanced, the number of examples without it divided by the number with it; sqrt, the square root.",
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        default="float32",
        description="Precision of the computations of the training. Weights, and everything after it, are in float32.",
    )
    augmentation: Augmentation = Field(
        default=Augmentation(),
        description="Random changes of the training examples, drawn again in every epoch; 0 and none are off.",
    )
    monitor: Literal["loss", "val_loss", "val_accuracy", "val_balanced_accuracy", "val_macro_auroc", "val_mae"] = (
        "val_loss"
    )
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = Field(
        default=None,
        description="Seed of the initial weights, the batches and the dropout. If absent, the `seed` of the "
        "experiment.",
    )
    # Absent and 0 are the same, so that trainings that keep none are known by the settings that they always had.
    kept_checkpoints: Annotated[
        Annotated[int, Field(ge=0, le=1_000)] | None, AfterValidator(lambda count: count or None)
    ] = Field(
        default=None,
        description="How many checkpoints stay in `model/checkpoints.npz`, for the view training_influence: the "
        "weights after so many epochs, spread evenly over all `epochs`. If absent, 0.",
    )

    def kept_epochs(self) -> list[int]:
        """Return the epochs after which the weights are kept, from 1; the last one is that of `epochs`."""
        count = min(self.kept_checkpoints or 0, self.epochs)
        return [number * self.epochs // count for number in range(1, count + 1)]


class Training(TrainingSettings):
    """The `training` entry of an experiment."""

    recipe: Literal["few_examples"] | None = Field(
        default=None,
        description="Other defaults for the keys that you do not write. few_examples is for some hundred examples: "
        "small batches, many epochs, a learning rate that falls to 0, weight decay, smoothed labels, and examples "
        "that are changed a little in every epoch.",
    )
    monitor: Literal["val_loss", "val_accuracy", "val_balanced_accuracy", "val_macro_auroc", "val_mae"] = Field(
        default="val_loss",
        description="The validation score by which the best epoch is kept: val_loss for every task; the accuracies "
        "for one class of each example, val_macro_auroc (mean area under the ROC curve of the labels) for several "
        "labels, val_mae (mean absolute error, in the unit of the data) for a regression.",
    )
