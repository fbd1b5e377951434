"""The keys of `config.yaml`: type, default, limits and description of each, and nowhere else.

`json_schema` derives the JSON Schema from these models. The keys of `training` stand in `training_keys`; parameters of
plugins are declared by the plugins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from pellucid.config.section import LARGEST_SEED, Number, Section
from pellucid.config.training_keys import Training

NAMED_SETS = ("none", "basic", "all")
# Further sets that methods alone have; `plugin_selection` says what is in them.
METHOD_SETS = ("cam", "relevance", "masks")
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


def _selection(*sets: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"enum": [*sets]}, {"type": "array"}, {"type": "object", "maxProperties": 100}]})


SweptValues = Annotated[list[Any] | str, WithJsonSchema(_SWEPT_VALUES)]
Selection = Annotated[str | list[Any] | dict[str, Any], _selection(*NAMED_SETS)]
MethodSelection = Annotated[str | list[Any] | dict[str, Any], _selection(*NAMED_SETS, *METHOD_SETS)]


class Tracking(Section):
    uri: Annotated[str, Field(pattern=r"^(sqlite|postgresql|mysql|http|https)(\+[a-z0-9]+)?://.")] = Field(
        default="sqlite:///results/mlflow/mlflow.db", description="A database address or an MLflow server's address."
    )
    experiment: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        default="pellucid", description="Name of the MLflow experiment."
    )
    artifacts: Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#@]*)?$")] | None = Field(
        default=None,
        description="A bucket, and a folder in it, for the files of runs: s3://bucket/folder. If absent, they lie "
        "beside the database, or where the server keeps them.",
    )
    arrays: bool = Field(
        default=False,
        description="Copy the arrays of explanations and views into MLflow; otherwise it gets their path and digest.",
    )


class Gpu(Section):
    tf32: bool = Field(
        default=False,
        description="Round the factors of products to 10 bits (TF32): faster on cards since 2020, and less exact.",
    )


def card(entry: bool | Mapping[str, bool]) -> dict[str, bool] | None:
    """Return how the entry `gpu` lets a card be used, with every key; None without one."""
    if isinstance(entry, bool):
        return {"tf32": False} if entry else None
    return {"tf32": False, **entry}


class Split(Section):
    test: Number = Field(
        default=0.2, gt=0, lt=1, description="Share of the test examples, where the source has no test set of its own."
    )
    validation: Number = Field(
        default=0.15, gt=0, lt=1, description="Share of the training examples that become validation examples."
    )
    by_group: bool = Field(
        default=True,
        description="Keep all examples of a group (a patient, a recording) in the same split, where the source names "
        "groups. Shares are then met as nearly as whole groups allow.",
    )
    folds: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        default=None,
        description="Divide the training examples into so many folds, one of which is the test set; a test set that "
        "the source has is not used. If absent, the examples are split once, by shares.",
    )
    fold: int = Field(default=0, ge=0, le=999, description="Which fold is the test set, from 0.")


class Preprocessing(Section):
    scale: Literal["none", "standard", "minmax"] = Field(
        default="none", description="How each channel is scaled; none leaves the values as they are."
    )


class NamedClass(Section):
    name: str | int = Field(alias="class", description="Name of a class, a label or a value.")


class Contrast(Section):
    why: str | int = Field(description="predicted, true, or the name of a class, a label or a value.")
    not_: str | int = Field(alias="not", description="Name of another one, whose logit (or value) is subtracted.")


class Examples(Section):
    per_class: int = Field(
        default=3, ge=1, le=10_000, description="How many test examples of each class, label or value are explained."
    )
    first: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="How many are explained of examples without labels: the first ones of the file.",
    )
    choose: Literal["correct", "wrong", "most_confident", "least_confident", "any", "negative"] = Field(
        default="correct",
        description="Which examples of a class are chosen. With several labels: which of those that have the label; "
        "negative: those that do not have it. For a regression - correct or any: evenly along the range of the true "
        "value; wrong: the largest errors.",
    )
    target: str | int | NamedClass | Contrast = Field(
        default="predicted",
        description="The class whose logit is explained - predicted, true, or the name of a class; {class: name} for "
        "a class that is called predicted or true; {why: name, not: name} for the logit of one class minus that of "
        "another. With several labels or values, predicted and true are the one for which the example was chosen.",
    )
    input: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="For data with several inputs (dataset.inputs): the name of the input that is explained, while "
        "the others keep the values of the example. If absent, the first.",
    )
    summarise: Annotated[int, Field(ge=0, le=1_000_000)] | Literal["all"] = Field(
        default=0,
        description="How many test examples of each class are measured, or all; 0: none. Every method explains them "
        "beside those that are shown; class maps, importances and groups of maps are made from them.",
    )
    scored: Annotated[int, Field(ge=1, le=1_000_000)] | Literal["shown", "measured"] = Field(
        default="shown",
        description="Which examples scores, checks and leaderboard judge - shown: those that are shown; measured: all "
        "that summarise measures; or how many of each class, drawn from the measured ones.",
    )
    parts: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="Number of jobs into which the measured examples of a method are divided. It does not change the "
        "results.",
    )
    align: Literal["none", "planted", "r_peak"] = Field(
        default="none",
        description="The event at which class maps are aligned - planted: the middle of the planted evidence; r_peak: "
        "the R peak of an ECG that is nearest to the middle; none: they are not moved.",
    )


class Figures(Section):
    colour_scale: Literal["panel", "common"] = Field(
        default="panel",
        description="Colours of the maps in a method's figure - panel: each panel has its own scale, up to its "
        "largest value; common: all panels have the same scale.",
    )


class Tune(Section):
    score: str = Field(description="Name of a score that the experiment has.")
    metric: str | None = Field(
        default=None,
        description="A metric of this score, such as relevance_rank. If a metric has variants, as "
        "insertion_less_deletion.mean, and none is named, their mean is used. If absent, the first metric.",
    )


class Settings(Section):
    """What an experiment has, and `defaults` may say for all experiments."""

    seed: int = Field(
        default=1, ge=0, le=LARGEST_SEED, description="Number from which every stage derives its random numbers."
    )
    split: Split | Literal["none"] = Field(
        default=Split(),
        description="Shares of the examples, drawn class by class. Or `none`, for a model that is used as it is "
        "(`training.epochs: 0`): all examples are then test examples. They may be few, and need no labels.",
    )
    preprocessing: Preprocessing = Field(
        default=Preprocessing(),
        description="Scaling of the values, by statistics of the training examples only.",
    )
    training: Training | Literal["few_examples"] = Field(
        default=Training(),
        description="How the model is fitted. Or the name of a recipe, `few_examples`, instead of keys: `training: "
        "few_examples` is short for `training: {recipe: few_examples}`.",
    )
    examples: Examples = Field(default=Examples(), description="Which test examples are explained.")
    figures: Figures = Field(default=Figures(), description="How figures look.")
    methods: MethodSelection = Field(
        default="basic",
        description="Attribution methods: a set (basic, all, none, cam, relevance, masks), a list of the methods to "
        "run, or a mapping that changes what `defaults` says.",
    )
    views: Selection = Field(default="basic", description="Views of the model, written as methods are.")
    scores: Selection = Field(default="basic", description="Scores of the explanations, written as methods are.")
    tune: Tune | None = Field(
        default=None,
        description="The score by which the parameters of each method with a sweep are chosen. One half of the scored "
        "examples chooses them; the other half compares them with the defaults of the method.",
    )


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
        description="Lists of values by dotted key (training.learning_rate): one experiment is run for each "
        "combination. `all` stands for every split.fold.",
    )
    repeats: Annotated[int, Field(ge=2, le=200)] | None = Field(
        default=None,
        description="Train so many times, with training.seed = seed, seed + 1, …",
    )
    explain: Literal["all", "first", "none"] | None = Field(
        default=None,
        description="Which members of a study get explanations, views, scores, figures and a page, beside those that "
        "run names. All are trained, evaluated and recorded. If absent: all for a sweep over methods, views, scores, "
        "examples or figures, otherwise first.",
    )
    dataset: DatasetEntry = Field(description="A source of workflow/pellucid/datasets and its parameters.")
    model: ModelEntry = Field(description="An architecture of workflow/pellucid/models and its parameters.")


class ResolvedExperiment(Experiment):
    """An experiment with every key and the parameters of everything that runs."""

    training: Training
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
    threads: int = Field(
        default=1, ge=1, le=1024, description="CPU threads of one job. Another number changes the last bits of results."
    )
    memory_mb: int = Field(
        default=1024,
        ge=16,
        le=2**24,
        description="Memory in MB that one job may use for its batches, or for the arrays of a data source.",
    )
    gpu: bool | Gpu = Field(
        default=False,
        description="Use a graphics card, if there is one, for training, evaluation, explanations, views and scores. "
        "false hides all cards. A card changes the last bits of results. {tf32: true} means true, with less exact "
        "products.",
    )
    tracking: Tracking = Field(default=Tracking(), description="The MLflow record.")
    defaults: Settings = Field(default=Settings(), description="What every experiment gets unless it says otherwise.")
    experiments: dict[str, Experiment] = Field(
        min_length=1,
        max_length=1000,
        description="Experiments by name; the name is also the folder under results/.",
        json_schema_extra={"propertyNames": _EXPERIMENT_NAMES},
    )
