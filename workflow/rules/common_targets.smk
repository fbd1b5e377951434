# All that is to be made: figures, and the record in MLflow.


# The experiments that have a leaderboard.
RANKED = [name for name in CONFIG.experiments if any(stem.endswith("leaderboard") for stem in comparisons(name))]


def figures():
    """Every figure of the experiments to be run."""
    found = []
    for name, settings in CONFIG.experiments.items():
        here = RESULTS.format(experiment=name)
        found += [f"{here}/data/examples.png", f"{here}/model/history.png"]
        if active_augmentations(settings["training"]["augmentation"]):
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


def over_experiments():
    """The figures over experiments: of each study, and of all leaderboards."""
    found = [f"results/{name}/study/members.png" for name in CONFIG.studies]
    found += [
        f"results/{name}/study/explanations.png" for name, study in CONFIG.studies.items() if explains_retrained(study)
    ]
    return found + (["results/comparison/leaderboard.png"] if len(RANKED) > 1 else [])


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
    files += [f"{here}/explain/{method}/{name}" for method in settings["methods"] for name in EXPLAINED.values()]
    for view, stem in views_of(wildcards.experiment):
        files += [f"{stem}.{suffix}" for suffix in ("npz", "json", *VIEWS[view].texts)]
    files += list(score_tables(wildcards).values())
    if compared(wildcards.experiment):
        files += [f"{here}/score/{table}.csv" for table in ("leaderboard", "checks", "agreement", "metrics")]
    drawn = [path for path in figures() if path.startswith(f"{here}/")]
    return files + drawn + [f"{path.removesuffix('png')}svg" for path in drawn]
