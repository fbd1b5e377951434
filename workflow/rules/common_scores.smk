# Functions for what is computed of all explanations of an experiment.

# What every method writes.
EXPLAINED = {"attributions": "attributions.npz", "cost": "cost.json", "checks": "checks.json"}


def explained(*names):
    """A function of the wildcards that returns files of every method of an experiment, in the order of the methods."""

    def find(wildcards):
        here = f"{RESULTS}/explain".format(**wildcards)
        return {
            name: [f"{here}/{method}/{EXPLAINED[name]}" for method in experiment_of(wildcards)["methods"]]
            for name in names
        }

    return find


def score_sources(spec):
    """The further inputs of a score: models, and what methods that explain anew may draw a background from."""
    files = {}
    if spec.needs_model or spec.needs_method:
        files |= MODEL
    if spec.needs_training or spec.needs_method:
        files |= {"training": f"{RESULTS}/data/x_train.npy", "labels": f"{RESULTS}/data/labels.npz"}
    if spec.needs_random_labels:
        files["random_labels"] = f"{RESULTS}/random_labels/model.keras"
        files["random_facts"] = f"{RESULTS}/random_labels/training.json"
    return files


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


def comparisons(name):
    """What compares all explanations of an experiment: paths without suffix."""
    settings, here = CONFIG.experiments[name], RESULTS.format(experiment=name)
    found = [f"{here}/score/{score}/scores" for score in settings["scores"]]
    if compared(name):
        found += [f"{here}/score/{name}" for name in ("agreement", "checks", "leaderboard", "tradeoffs")]
        found.append(f"{here}/explain/overview")
    return found
