# Functions that the rules share. The configuration is checked here, before any rule is read.

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

ROOT = Path(workflow.basedir)
PACKAGE = ROOT / "workflow"
sys.path.insert(0, str(PACKAGE))

from pellucid import augmentation
from pellucid import config as configuration
from pellucid import downloads as transfers
from pellucid import studies
from pellucid.code import code_digest
from pellucid.explain.variants import variants
from pellucid.job import share_package

share_package(PACKAGE)

# Numbers inside a mapping that --config gives come as texts: they are read as config.yaml's are.
update_config(config, configuration.typed(workflow.config_settings.config))
try:
    CONFIG = configuration.resolve(config)
except configuration.ConfigError as error:
    raise WorkflowError(f"The configuration cannot be used:\n{error}") from None

left_out = (
    f"{name}: {method} is left out: {reason}"
    for name, reasons in CONFIG.skipped.items()
    for method, reason in reasons.items()
)
for line in studies.folded(left_out, CONFIG.studies):
    logger.info(line)

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
        return value

    return get


def training_seed(wildcards):
    """The seed of the training: that of the experiment, unless the training has its own."""
    settings = experiment_of(wildcards)
    return settings["training"].get("seed", settings["seed"])


def parameters_of(key, name):
    """The parameters of a method or a view in the experiment of the wildcards."""
    return lambda wildcards: experiment_of(wildcards)[key][name]


def training_data(method):
    """The further input of a method that draws a background from the training examples."""
    needed = configuration.plugins.spec("explain", method).needs_training
    return {"training": f"{RESULTS}/data/x_train.npy"} if needed else {}


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


def code_of_view(view):
    """A function of the wildcards that digests what a view runs, the methods that its parameters name included."""

    def get(wildcards):
        named = variants(view, experiment_of(wildcards)["views"][view])[wildcards.variant].get("methods", ())
        methods = (f"pellucid.explain.{method}" for method in named)
        return code_digest("pellucid.views.run", f"pellucid.views.{view}", *methods)

    return get


def explanations(wildcards):
    """What every method of an experiment wrote."""
    here = f"{RESULTS}/explain".format(**wildcards)
    return {
        name: [f"{here}/{method}/{name}" for method in experiment_of(wildcards)["methods"]]
        for name in ("attributions.npz", "cost.json", "checks.json")
    }


def score_sources(spec):
    """The further inputs of a score: models, and what methods that explain anew may draw a background from."""
    files = {}
    if spec.needs_model or spec.needs_method:
        files["model"] = f"{RESULTS}/model/model.keras"
    if spec.needs_training or spec.needs_method:
        files |= {"training": f"{RESULTS}/data/x_train.npy", "labels": f"{RESULTS}/data/labels.npz"}
    if spec.needs_random_labels:
        files["random_labels"] = f"{RESULTS}/random_labels/model.keras"
        files["random_facts"] = f"{RESULTS}/random_labels/training.json"
    return files


def code_of_score(score):
    """A function of the wildcards that digests what a score runs, all methods included where it explains anew."""

    def get(wildcards):
        again = SCORES[score].needs_method
        methods = experiment_of(wildcards)["methods"] if again else ()
        return code_digest(
            "pellucid.score.run",
            f"pellucid.score.{score}",
            *(f"pellucid.explain.{method}" for method in methods),
        )

    return get


def score_tables(wildcards):
    """The table of every score of an experiment."""
    here = f"{RESULTS}/score".format(**wildcards)
    return {score: f"{here}/{score}/scores.csv" for score in experiment_of(wildcards)["scores"]}


def randomised(wildcards):
    """The one table of a score that a check reads."""
    name = "parameter_randomisation"
    return {name: score_tables(wildcards)[name]} if name in experiment_of(wildcards)["scores"] else {}


def compared(name):
    """Whether the explanations of an experiment are checked and compared with each other."""
    settings = CONFIG.experiments[name]
    return bool(settings["scores"]) and len(settings["methods"]) > 1


def checks_of(wildcards):
    """The checks of an experiment's explanations, where they are made."""
    made = compared(wildcards.experiment) if wildcards.experiment in CONFIG.experiments else False
    return {"checks": f"{RESULTS}/score/checks.csv".format(**wildcards)} if made else {}


def comparisons(name):
    """What compares all explanations of an experiment: paths without suffix."""
    settings, here = CONFIG.experiments[name], RESULTS.format(experiment=name)
    found = [f"{here}/score/{score}/scores" for score in settings["scores"]]
    if compared(name):
        found += [f"{here}/score/{name}" for name in ("agreement", "checks", "leaderboard", "tradeoffs")]
        found.append(f"{here}/explain/overview")
    return found


# The experiments that have a leaderboard.
RANKED = [name for name in CONFIG.experiments if any(stem.endswith("leaderboard") for stem in comparisons(name))]


def study_of(wildcards):
    """The study of the wildcards."""
    name = wildcards.study
    if name not in CONFIG.studies:
        raise WorkflowError(f"results/{name}/study is asked for, but not run: add it by --config 'run=[{name}]'")
    return CONFIG.studies[name]


def members_reached(wildcards):
    """What the members of a study reached."""
    members = study_of(wildcards).members
    return {
        "metrics": [f"results/{name}/evaluation/metrics.json" for name in members],
        "training": [f"results/{name}/model/training.json" for name in members],
    }


def retrained_explanations(wildcards):
    """The explanations of the members that differ in the seed of their training alone, and what scores say of them."""
    found = {"attributions": [], "own_seed": []}
    for name in (name for group in study_of(wildcards).retrained() for name in group):
        settings = CONFIG.experiments[name]
        found["attributions"] += [f"results/{name}/explain/{method}/attributions.npz" for method in settings["methods"]]
        if "seed_stability" in settings["scores"]:
            found["own_seed"].append(f"results/{name}/score/seed_stability/scores.csv")
    return found


def explains_retrained(study):
    """Whether a study has explanations by several trainings."""
    return any(CONFIG.experiments[name]["methods"] for group in study.retrained() for name in group)


def study_tables(wildcards):
    """The tables that a study is known by; that of its members has times as well."""
    tables = ["summary", "explanations"] if explains_retrained(study_of(wildcards)) else ["summary"]
    return [f"results/{wildcards.study}/study/{table}.csv" for table in tables]


def study_figures(wildcards):
    """The figures of a study, in both formats."""
    stems = ["members", "explanations"] if explains_retrained(study_of(wildcards)) else ["members"]
    return [f"results/{wildcards.study}/study/{stem}.{suffix}" for stem in stems for suffix in ("png", "svg")]


def over_experiments():
    """The figures over experiments: of each study, and of all leaderboards."""
    found = [f"results/{name}/study/members.png" for name in CONFIG.studies]
    found += [
        f"results/{name}/study/explanations.png" for name, study in CONFIG.studies.items() if explains_retrained(study)
    ]
    return found + (["results/comparison/leaderboard.png"] if len(RANKED) > 1 else [])


def plants_evidence(name):
    """Whether the data source of an experiment knows the evidence for each class."""
    return configuration.plugins.spec("datasets", CONFIG.experiments[name]["dataset"]["source"]).truth


def truth_of(wildcards):
    """Where the planted evidence of an experiment is; refused before any job where its source plants none."""
    source = experiment_of(wildcards)["dataset"]["source"]
    if not plants_evidence(wildcards.experiment):
        raise WorkflowError(
            f"results/{wildcards.experiment}/evaluation/evidence is asked for, but its data source plants no evidence: "
            f'found "{source}"; expected one that does.'
        )
    return f"{RESULTS}/data/truth.npz".format(**wildcards)


def figures():
    """Every figure of the experiments to be run."""
    found = []
    for name, settings in CONFIG.experiments.items():
        here = RESULTS.format(experiment=name)
        found += [f"{here}/data/examples.png", f"{here}/model/history.png"]
        if augmentation.chosen(settings["training"]["augmentation"]):
            found.append(f"{here}/model/augmentation.png")
        found += [
            f"{here}/evaluation/confusion_matrix.png",
            f"{here}/evaluation/reliability.png",
        ]
        if plants_evidence(name):
            found.append(f"{here}/evaluation/evidence.png")
        for method, parameters in settings["methods"].items():
            found += [f"{here}/explain/{method}/{variant}.png" for variant in variants(method, parameters)]
        found += [f"{stem}.png" for _, stem in views_of(name)]
        found += [f"{stem}.png" for stem in comparisons(name)]
    return found


def tracked():
    """The record of every experiment to be run, of every study, and of the leaderboard over experiments."""
    found = [f"{RESULTS.format(experiment=name)}/tracking.json" for name in CONFIG.experiments]
    found += [f"results/{name}/study/tracking.json" for name in CONFIG.studies]
    return found + (["results/comparison/tracking.json"] if len(RANKED) > 1 else [])


def record_of(wildcards):
    """Every file of an experiment that its runs record."""
    here = RESULTS.format(experiment=wildcards.experiment)
    settings = experiment_of(wildcards)
    files = [
        f"{here}/data/data.json",
        f"{here}/data/x_test.npy",
        f"{here}/examples.npz",
    ]
    files += [f"{here}/model/{name}" for name in ("model.keras", "history.csv", "training.json")]
    tables = (
        "metrics.json",
        "per_class.csv",
        "confusion_matrix.csv",
        "reliability.csv",
        "predictions.csv",
    )
    files += [f"{here}/evaluation/{name}" for name in tables]
    if plants_evidence(wildcards.experiment):
        files.append(f"{here}/evaluation/evidence.csv")
    files += [f"{here}/explain/{method}/attributions.npz" for method in settings["methods"]]
    for view, stem in views_of(wildcards.experiment):
        files += [f"{stem}.{suffix}" for suffix in ("npz", "json", *VIEWS[view].texts)]
    files += list(score_tables(wildcards).values())
    if compared(wildcards.experiment):
        files += [f"{here}/score/{table}.csv" for table in ("leaderboard", "checks")]
    return files + [path for path in figures() if path.startswith(f"{here}/")]
