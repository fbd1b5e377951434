"""The keys of `config.yaml`: type, default, limits and description of each, and nowhere else.

`json_schema` derives the JSON Schema from these models. Parameters of plugins are declared by the plugins.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from pellucid.config.sections import LARGEST_SEED, Number, Section

NAMED_SETS = ("none", "basic", "all")
# Names of experiments are names of folders, beside those that the workflow makes, on every system.
_EXPERIMENT_NAMES: dict[str, Any] = {
    "description": "lower-case letters, digits and _; comparison, downloads and mlflow are folders of the workflow "
    "itself, and con, prn, aux, nul, com1 and lpt1 to 9 are no folders on Windows",
    "maxLength": 120,
    "pattern": "^(?!(comparison|downloads|mlflow|con|prn|aux|nul|(com|lpt)[0-9])$)[a-z][a-z0-9_]*$",
}
_SWEPT_VALUES = {
    "description": "Values, each once; or all.",
    "type": ["array", "string"],
    "minItems": 1,
    "maxItems": 200,
    "uniqueItems": True,
}
_SELECTION = {"anyOf": [{"enum": [*NAMED_SETS]}, {"type": "array"}, {"type": "object", "maxProperties": 100}]}
SweptValues = Annotated[list[Any] | str, WithJsonSchema(_SWEPT_VALUES)]
Selection = Annotated[str | list[Any] | dict[str, Any], WithJsonSchema(_SELECTION)]


class Tracking(Section):
    uri: Annotated[str, Field(pattern=r"^(sqlite|postgresql|mysql|http|https)(\+[a-z0-9]+)?://.")] = Field(
        default="sqlite:///results/mlflow/mlflow.db", description="A database address or an MLflow server's address."
    )
    experiment: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        default="pellucid", description="Name of the MLflow experiment."
    )


class Split(Section):
    test: Number = Field(
        default=0.2, gt=0, lt=1, description="Share of all examples, for sources without a test set of their own."
    )
    validation: Number = Field(default=0.15, gt=0, lt=1, description="Share of the training examples.")
    by_group: bool = Field(
        default=True,
        description="Where the source names groups (patients, recordings): keep each on one side of every split. "
        "Shares are then met as nearly as whole groups allow.",
    )
    folds: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        default=None,
        description="Divide the training examples into so many folds, of which one is the test set; a test set of the "
        "source's own is left aside. Absent for one split by shares.",
    )
    fold: int = Field(default=0, ge=0, le=999, description="Which fold is the test set, from 0.")


class Preprocessing(Section):
    scale: Literal["none", "standard", "minmax"] = Field(
        default="none", description="Per channel; none leaves the values as they are."
    )


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


class Training(Section):
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
    loss: Literal["crossentropy", "focal"] = Field(
        default="crossentropy",
        description="Cross-entropy, or focal loss, which makes less of examples that are classified well.",
    )
    focal_gamma: Number = Field(
        default=2, gt=0, le=100, description="Exponent of the focal loss; 0 would be the cross-entropy."
    )
    label_smoothing: Number = Field(
        default=0, ge=0, lt=1, description="Share of each label that is spread evenly over all classes."
    )
    class_weights: Literal["none", "sqrt", "balanced"] = Field(
        default="none", description="Weight of each class in the loss."
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        default="float32",
        description="Of the computations of the training; weights, and all that follows, are in float32.",
    )
    augmentation: Augmentation = Field(
        default=Augmentation(),
        description="Random changes of the training examples, anew in every epoch; 0 and none are off.",
    )
    monitor: Literal["val_loss", "val_accuracy", "val_balanced_accuracy"] = Field(
        default="val_loss", description="The validation score by which the best epoch is kept."
    )
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = Field(
        default=None,
        description="Of the weights that a training starts from, its batches and its dropout. If absent, the `seed` of "
        "the experiment.",
    )


class NamedClass(Section):
    name: str | int = Field(alias="class", description="Name of a class.")


class Examples(Section):
    per_class: int = Field(default=3, ge=1, le=10_000, description="How many of each class.")
    choose: Literal["correct", "wrong", "most_confident", "least_confident", "any"] = Field(
        default="correct", description="Which ones of a class."
    )
    target: str | int | NamedClass = Field(
        default="predicted",
        description="The class whose logit is explained - predicted, true, or the name of a class; {class: name} for a "
        "class that is called predicted or true.",
    )


class Figures(Section):
    colour_scale: Literal["panel", "common"] = Field(
        default="panel",
        description="Of the maps in a method's figure - panel: the colours of each end at its own largest value; "
        "common: at one value for all.",
    )


class Settings(Section):
    """What an experiment has, and `defaults` may say for all experiments."""

    seed: int = Field(
        default=1, ge=0, le=LARGEST_SEED, description="From which every stage derives its random numbers."
    )
    split: Split = Field(default=Split(), description="Shares of the examples, drawn class by class.")
    preprocessing: Preprocessing = Field(
        default=Preprocessing(),
        description="What is done to the values, with statistics of the training examples alone.",
    )
    training: Training = Field(default=Training(), description="How the model is fitted.")
    examples: Examples = Field(default=Examples(), description="Which test examples are explained.")
    figures: Figures = Field(default=Figures(), description="How figures look.")
    methods: Selection = Field(
        default="basic",
        description="Attribution methods: a set (basic, all, none), a list that means these alone, or names with "
        "parameters that change what is inherited.",
    )
    views: Selection = Field(default="basic", description="Views of the model, written as methods are.")
    scores: Selection = Field(default="basic", description="Scores of the explanations, written as methods are.")


class DatasetEntry(Section):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    source: str = Field(description="Name of the source.")


class ModelEntry(Section):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    architecture: str = Field(description="Name of the architecture.")


class Experiment(Settings):
    """One entry of `experiments`, as the user writes it: an experiment, or a study of several."""

    title: str = Field(default="", description="One line for people, shown in figures, MLflow and the report.")
    sweep: Annotated[dict[str, SweptValues], Field(min_length=1, max_length=20)] | None = Field(
        default=None,
        description="Values of settings by dotted key (training.learning_rate): one experiment for each combination of "
        "them. `all` stands for every split.fold.",
    )
    repeats: Annotated[int, Field(ge=2, le=200)] | None = Field(
        default=None,
        description="So many experiments, equal but for training.seed, which counts up from the seed.",
    )
    dataset: DatasetEntry = Field(description="A source of workflow/pellucid/datasets and its parameters.")
    model: ModelEntry = Field(description="An architecture of workflow/pellucid/models and its parameters.")


class ResolvedExperiment(Experiment):
    """An experiment with every key and the parameters of everything that runs."""

    methods: dict[str, dict[str, Any]]
    views: dict[str, dict[str, Any]]
    scores: dict[str, dict[str, Any]]


class ConfigFile(Section):
    """Every key that config.yaml may hold.

    Parameters of data sources, architectures, methods, views and scores are declared in the file of each under
    workflow/pellucid/.
    """

    run: list[str] = Field(
        min_length=1,
        max_length=1000,
        description="Names of the experiments to build.",
        json_schema_extra={"uniqueItems": True},
    )
    threads: int = Field(default=1, ge=1, le=1024, description="CPU threads inside one job; part of the result.")
    memory_mb: int = Field(
        default=1024,
        ge=16,
        le=2**24,
        description="Memory that one job may use for its batches, or for the arrays of a data source, in MB.",
    )
    tracking: Tracking = Field(default=Tracking(), description="The MLflow record.")
    defaults: Settings = Field(default=Settings(), description="What every experiment gets unless it says otherwise.")
    experiments: dict[str, Experiment] = Field(
        min_length=1,
        max_length=1000,
        description="Experiments by name; the name is also the folder under results/.",
        json_schema_extra={"propertyNames": _EXPERIMENT_NAMES},
    )
