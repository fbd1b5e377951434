# Tracking: the record of every run in MLflow.
# in: all results of an experiment; out: results/<experiment>/tracking.json, which names the runs


rule tracking_store:
    output:
        "results/mlflow/store.json",
    log:
        "results/mlflow/store.log",
    benchmark:
        "results/mlflow/store.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("record"),
        runtime=minutes("record"),
    params:
        tracking=CONFIG.tracking,
    message:
        "Prepare the MLflow store {params.tracking[uri]}"
    script:
        "../scripts/tracking_store.py"


rule track:
    input:
        DATA_INFO,
        f"{RESULTS}/data/x_test.npy",
        unpack(from_config(input_files.others, "test")),
        rules.train.output.model,
        rules.train.output.history,
        rules.train.output.training_info,
        rules.train.output.cost,
        from_config(evaluation_files.evaluation),
        from_config(experiment_files.recorded),
        from_config(view_files.measures),
        from_config(summary_files.recorded),
        from_config(tune_files.recorded),
        store="results/mlflow/store.json",
    output:
        f"{RESULTS}/tracking.json",
    log:
        logs("track"),
    benchmark:
        costs("track")
    conda:
        CONDA
    resources:
        mem_mb=memory("record"),
        runtime=minutes("record"),
    params:
        settings=param(experiment_files.recorded_settings),
        study=param(experiment_files.owner),
        threads=CONFIG.threads,
        tracking=CONFIG.tracking,
        code=code_of("track"),
    message:
        "Record {wildcards.experiment} in MLflow"
    script:
        "../scripts/track.py"
