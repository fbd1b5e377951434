# Tracking: the record of every run in MLflow.
# in: everything of an experiment; out: results/<experiment>/tracking.json, which names the runs


rule tracking_store:
    output:
        "results/mlflow/store.json",
    log:
        "results/mlflow/store.log",
    benchmark:
        "results/mlflow/store.tsv"
    conda:
        CONDA
    threads: 1
    params:
        tracking=CONFIG.tracking,
    message:
        "Prepare the MLflow store {params.tracking[uri]}"
    script:
        "../scripts/tracking_store.py"


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


rule track:
    input:
        record_of,
        store="results/mlflow/store.json",
    output:
        f"{RESULTS}/tracking.json",
    log:
        logs("track"),
    benchmark:
        costs("track")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=3000,
    params:
        settings=lambda wildcards: experiment_of(wildcards),
        study=lambda wildcards: CONFIG.owners.get(wildcards.experiment, ""),
        threads=CONFIG.threads,
        tracking=CONFIG.tracking,
        code=code_digest("pellucid.tracking"),
    message:
        "Record {wildcards.experiment} in MLflow"
    script:
        "../scripts/track.py"
