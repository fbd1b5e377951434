# Functions for studies, which are several experiments.


def study_of(wildcards):
    """The study of the wildcards."""
    name = wildcards.study
    if name not in CONFIG.studies:
        raise WorkflowError(f"results/{name}/study is asked for, but not run: add it by --config 'run=[{name}]'")
    return CONFIG.studies[name]


def heading_of_study(wildcards):
    """The title of the study as its figures show it."""
    return in_params(in_figure(study_of(wildcards).title or wildcards.study, LONGEST_TITLE))


def members_reached(wildcards):
    """What the members of a study reached."""
    members = study_of(wildcards).members
    return {
        "metrics": [f"results/{name}/evaluation/metrics.json" for name in members],
        "training": [f"results/{name}/model/training.json" for name in members],
        "cost": [f"results/{name}/model/cost.json" for name in members],
    }


def retrained_explanations(wildcards):
    """The explanations of the members that differ in the seed of their training alone, and what scores say of them."""
    found = {}
    for name in (name for group in study_of(wildcards).retrained() for name in group):
        settings = CONFIG.experiments[name]
        found |= {
            f"{name}/{method}": f"results/{name}/explain/{method}/attributions.npz" for method in settings["methods"]
        }
        if "seed_stability" in settings["scores"]:
            found[f"{name}/seed stability"] = f"results/{name}/score/seed_stability/scores.csv"
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
