# Functions that the rules share. The configuration is checked here, before any rule is read.

from snakemake.utils import update_config

from pellucid import augmentation
from pellucid import config as configuration
from pellucid import downloads as transfers
from pellucid import model_classes, random_labels, studies
from pellucid.code import code_digest
from pellucid.explain.variants import variants
from pellucid.job import share_package
from pellucid.words import LONGEST_TITLE, in_figure, in_params, in_rst

share_package(PACKAGE)

# Numbers inside a mapping that --config gives come as texts: they are read as config.yaml's are, but for those in quotes.
quoted = configuration.quoted_texts(workflow.config_settings.config_args)
update_config(config, configuration.typed(workflow.config_settings.config, quoted))
try:
    CONFIG = configuration.resolve(config)
except configuration.ConfigError as error:
    raise WorkflowError(f"The configuration cannot be used:\n{error}") from None

left_out = (
    f"{name}: {method} is left out: {reason}"
    for name, reasons in CONFIG.skipped.items()
    for method, reason in reasons.items()
)
for line in studies.folded([*left_out, *CONFIG.notes], CONFIG.studies):
    logger.info(line)

# For the first page of the report, whose template cannot call functions.
config["titles"] = {
    name: in_rst(str(entry.get("title", "") if entry else ""))
    for name, entry in (config.get("experiments") or {}).items()
}

CONDA = str(ROOT / "envs" / "pellucid.yaml")
RESULTS = "results/{experiment}"
METHODS = sorted({method for settings in CONFIG.experiments.values() for method in settings["methods"]})
VIEWS = {
    view: configuration.plugins.spec("views", view)
    for view in sorted({view for settings in CONFIG.experiments.values() for view in settings["views"]})
}
SCORES = {
    score: configuration.plugins.spec("score", score)
    for score in sorted({score for settings in CONFIG.experiments.values() for score in settings["scores"]})
}


def experiment_of(wildcards):
    """The settings of the experiment of the wildcards."""
    name = wildcards.experiment
    if name not in CONFIG.experiments:
        raise WorkflowError(f"results/{name} is asked for, but not run: add it by --config 'run=[{name}]'")
    return CONFIG.experiments[name]


def about(wildcards):
    """What the report says of the experiment's data source."""
    spec = configuration.plugins.spec("datasets", experiment_of(wildcards)["dataset"]["source"])
    return {"title": spec.title, "licence": spec.licence, "citation": spec.citation, "homepage": spec.homepage}


def setting(*keys):
    """A function of the wildcards that gives one entry of the experiment's settings."""

    def get(wildcards):
        value = experiment_of(wildcards)
        for key in keys:
            value = value[key]
        return in_params(value)

    return get


def heading(wildcards):
    """The title of the experiment as its figures show it."""
    return in_params(in_figure(experiment_of(wildcards)["title"], LONGEST_TITLE))


def parameters_of(key, name):
    """The parameters of a method or a view in the experiment of the wildcards."""
    return lambda wildcards: in_params(experiment_of(wildcards)[key][name])


def logs(rule):
    return f"{RESULTS}/logs/{rule}.log"


def costs(rule):
    return f"{RESULTS}/benchmarks/{rule}.tsv"


def pictures(name):
    """One figure in both formats."""
    return [f"{RESULTS}/{name}.png", f"{RESULTS}/{name}.svg"]


def downloaded(address):
    """Where a downloaded file lies."""
    return f"results/downloads/{transfers.place(address)}"


def files_of(key):
    """The files that the experiment's data source (or model) reads: local ones where they lie, others downloaded."""

    def find(wildcards):
        return {
            name: (str(transfers.local_path(address)) if transfers.is_local(address) else downloaded(address))
            for name, address in configuration.files(experiment_of(wildcards), key)
        }

    return find


def views_of(name):
    """Every variant of every view of an experiment: (view, path without suffix)."""
    here = RESULTS.format(experiment=name)
    for view, parameters in CONFIG.experiments[name]["views"].items():
        yield from ((view, f"{here}/views/{view}/{variant}") for variant in variants(view, parameters))


def plants_evidence(name):
    """Whether the data source of an experiment knows the evidence for each class."""
    return configuration.plugins.spec("datasets", CONFIG.experiments[name]["dataset"]["source"]).truth


def training_seed(wildcards):
    """The seed of the training: that of the experiment, unless the training has its own."""
    settings = experiment_of(wildcards)
    return settings["training"].get("seed", settings["seed"])


def taken_as_it_is(wildcards):
    """Whether the model comes from elsewhere and is not trained here, so that nothing adapts its outputs to the data."""
    settings = experiment_of(wildcards)
    epochs = settings["training"]["epochs"]
    return not epochs and model_classes.keeps_outputs(settings["model"], epochs)


def training_data(method):
    """The further input of a method that draws a background from the training examples."""
    needed = configuration.plugins.spec("explain", method).needs_training
    return {"training": f"{RESULTS}/data/x_train.npy"} if needed else {}


def code_of_view(view):
    """A function of the wildcards that digests what a view runs, the methods that its parameters name included."""

    def get(wildcards):
        named = variants(view, experiment_of(wildcards)["views"][view])[wildcards.variant].get("methods", ())
        methods = (f"pellucid.explain.{method}" for method in named)
        return code_digest("pellucid.views.run", f"pellucid.views.{view}", *methods)

    return get


def truth_of(wildcards):
    """Where the planted evidence of an experiment is; refused before any job where its source plants none."""
    source = experiment_of(wildcards)["dataset"]["source"]
    if not plants_evidence(wildcards.experiment):
        raise WorkflowError(
            f"results/{wildcards.experiment}/evaluation/evidence is asked for, but its data source plants no evidence: "
            f'found "{source}"; expected one that does.'
        )
    return f"{RESULTS}/data/truth.npz".format(**wildcards)
