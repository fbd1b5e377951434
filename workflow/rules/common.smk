# Functions that the rules share. The configuration is checked here, before any rule is read.

from snakemake.utils import update_config

from pellucid.config.training import active_augmentations
from pellucid.config import resolution as configuration
from pellucid import downloads as transfers
from pellucid.config import model_classes, studies
from pellucid.train import random_labels
from pellucid.jobs.code_digest import code_digest, script_modules
from pellucid.config.variants import variants
from pellucid.jobs.script import share_package
from pellucid.user_text import LONGEST_TITLE, in_figure, in_params, in_rst

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

# Which of the jobs that could start does: figures come before scores and views, and of every experiment first the way to
# one explanation. All others have 0.
FIRST = {
    "draw_explanation": 60,
    "first explanation": 50,
    "select_examples": 43,
    "evaluate": 42,
    "train": 41,
    "preprocess": 40,
    "figure": 30,
    "explanation": 20,
    "train_random_labels": 10,
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


# What loads a model reads both: the second says whether it may run code of its own.
MODEL = {"model": f"{RESULTS}/model/model.keras", "trained": f"{RESULTS}/model/training.json"}


def method_sources(method):
    """The inputs of a method beside the examples: the model, and training examples to draw a background from."""
    spec = configuration.plugins.spec("explain", method)
    files = MODEL | {"data_info": f"{RESULTS}/data/data.json"} if spec.needs_model else {}
    return files | ({"training": f"{RESULTS}/data/x_train.npy"} if spec.needs_training else {})


def priority_of(method):
    """A function of the wildcards that returns the priority of a method: one of an experiment comes early."""

    def cost(name):
        """Compare methods by how soon they have an explanation: a gradient takes one pass."""
        spec = configuration.plugins.spec("explain", name)
        return spec.family != "gradient", len(spec.requires), name

    def get(wildcards):
        first = min(experiment_of(wildcards)["methods"], key=cost)
        return FIRST["first explanation" if method == first else "explanation"]

    return get


def code_of(script, *plugins):
    """A function of the wildcards that digests what a script imports, and the plugins that it finds by name.

    It is one so that a job, whose process reads all rules, digests nothing.

    Args:
        script: name of the rule's script, without its suffix.
        plugins: each a module such as "explain.{method}", or a function of the wildcards that returns several.
    """

    def get(wildcards):
        given = [plugin(wildcards) if callable(plugin) else [plugin.format(**wildcards)] for plugin in plugins]
        return code_digest(*script_modules(script), *(f"pellucid.{name}" for names in given for name in names))

    return get


def plugins_of(folder, key):
    """A function of the wildcards that returns the modules of all methods (or scores) of an experiment."""
    return lambda wildcards: [f"{folder}.{name}" for name in experiment_of(wildcards)[key]]


def methods_in_view(view):
    """A function of the wildcards that returns the modules of the methods that a variant of a view names."""

    def get(wildcards):
        named = variants(view, experiment_of(wildcards)["views"][view])[wildcards.variant].get("methods", ())
        return [f"explain.{method}" for method in named]

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
