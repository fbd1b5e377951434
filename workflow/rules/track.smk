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
        settings=lambda wildcards: in_params(experiment_of(wildcards)),
        study=lambda wildcards: CONFIG.owners.get(wildcards.experiment, ""),
        threads=CONFIG.threads,
        tracking=CONFIG.tracking,
        code=code_of("track"),
    message:
        "Record {wildcards.experiment} in MLflow"
    script:
        "../scripts/track.py"
