# Evaluation: how good the model is on the test examples.
# in: results/<experiment>/data/, model/; out: results/<experiment>/evaluation/


# For experiments whose examples have one class each; the rules below it are for several labels, for values, and for
# examples without labels. All but `predict` run the same script.
rule evaluate:
    input:
        unpack(from_config(input_files.others, "test")),
        x=f"{RESULTS}/data/x_test.npy",
        labels=f"{RESULTS}/data/labels.npz",
        data_info=DATA_INFO,
        model=f"{RESULTS}/model/model.keras",
        training=f"{RESULTS}/model/training.json",
        # Intervals are over patients where the data have them.
        groups=f"{RESULTS}/data/groups.npz",
    output:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        chance=evaluation_files.CHANCE,
        per_class=f"{RESULTS}/evaluation/per_class.csv",
        confusion=f"{RESULTS}/evaluation/confusion_matrix.csv",
        reliability=f"{RESULTS}/evaluation/reliability.csv",
        table=f"{RESULTS}/evaluation/predictions.csv",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    log:
        logs("evaluate"),
    benchmark:
        costs("evaluate")
    wildcard_constraints:
        experiment=evaluation_files.of_task(CONFIG, "single_label"),
    priority: PRIORITIES["evaluate"]
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        **ONE_CARD,
        mem_mb=memory("network"),
        runtime=minutes("network"),
    params:
        **DEVICE,
        threads=CONFIG.threads,
        memory_mb=CONFIG.memory_mb,
        untrained=param(experiment_files.is_untrained),
        code=code_of("evaluate"),
    message:
        "Evaluate {wildcards.experiment} on its test examples"
    script:
        "../scripts/evaluate.py"


use rule evaluate as evaluate_labels with:
    input:
        unpack(from_config(input_files.others, "test", "validation")),
        x=f"{RESULTS}/data/x_test.npy",
        # Thresholds are chosen on the validation examples.
        x_validation=f"{RESULTS}/data/x_validation.npy",
        labels=f"{RESULTS}/data/labels.npz",
        data_info=DATA_INFO,
        model=f"{RESULTS}/model/model.keras",
        training=f"{RESULTS}/model/training.json",
        # Intervals are over patients where the data have them.
        groups=f"{RESULTS}/data/groups.npz",
    output:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        chance=evaluation_files.CHANCE,
        thresholds=evaluation_files.THRESHOLDS,
        per_label=f"{RESULTS}/evaluation/per_label.csv",
        confusion=f"{RESULTS}/evaluation/confusion_per_label.csv",
        reliability=f"{RESULTS}/evaluation/reliability_per_label.csv",
        table=f"{RESULTS}/evaluation/predictions.csv",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    wildcard_constraints:
        experiment=evaluation_files.of_task(CONFIG, "multi_label"),


use rule evaluate as evaluate_values with:
    input:
        unpack(from_config(input_files.others, "test", "validation")),
        x=f"{RESULTS}/data/x_test.npy",
        # Intervals of the predictions are calibrated on the validation examples.
        x_validation=f"{RESULTS}/data/x_validation.npy",
        labels=f"{RESULTS}/data/labels.npz",
        data_info=DATA_INFO,
        model=f"{RESULTS}/model/model.keras",
        training=f"{RESULTS}/model/training.json",
        # Intervals are over patients where the data have them.
        groups=f"{RESULTS}/data/groups.npz",
    output:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        chance=evaluation_files.CHANCE,
        per_value=f"{RESULTS}/evaluation/per_value.csv",
        coverage=f"{RESULTS}/evaluation/coverage.csv",
        table=f"{RESULTS}/evaluation/predictions.csv",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    wildcard_constraints:
        experiment=evaluation_files.of_task(CONFIG, "regression"),


rule predict:
    input:
        unpack(from_config(input_files.others, "test")),
        x=f"{RESULTS}/data/x_test.npy",
        labels=f"{RESULTS}/data/labels.npz",
        data_info=DATA_INFO,
        model=f"{RESULTS}/model/model.keras",
        # training.json says whether code in the model's file may run.
        training=f"{RESULTS}/model/training.json",
    output:
        table=f"{RESULTS}/evaluation/predictions.csv",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    log:
        logs("predict"),
    benchmark:
        costs("predict")
    wildcard_constraints:
        experiment=evaluation_files.without_labels(CONFIG),
    priority: PRIORITIES["evaluate"]
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        **ONE_CARD,
        mem_mb=memory("network"),
        runtime=minutes("network"),
    params:
        **DEVICE,
        threads=CONFIG.threads,
        memory_mb=CONFIG.memory_mb,
        code=code_of("predict"),
    message:
        "Predict the examples of {wildcards.experiment}, which have no labels"
    script:
        "../scripts/predict.py"


rule draw_evaluation:
    input:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        confusion=f"{RESULTS}/evaluation/confusion_matrix.csv",
        reliability=f"{RESULTS}/evaluation/reliability.csv",
    output:
        report(
            f"{RESULTS}/evaluation/confusion_matrix.png",
            caption="../report/confusion_matrix.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Confusion matrix"},
        ),
        f"{RESULTS}/evaluation/confusion_matrix.svg",
        report(
            f"{RESULTS}/evaluation/reliability.png",
            caption="../report/reliability.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Reliability diagram"},
        ),
        f"{RESULTS}/evaluation/reliability.svg",
    log:
        logs("draw_evaluation"),
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/evaluation"),
    message:
        "Draw the evaluation of {wildcards.experiment}"
    script:
        "../scripts/draw/evaluation.py"


rule draw_evaluation_of_labels:
    input:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        per_label=f"{RESULTS}/evaluation/per_label.csv",
        confusion=f"{RESULTS}/evaluation/confusion_per_label.csv",
        reliability=f"{RESULTS}/evaluation/reliability_per_label.csv",
    output:
        report(
            f"{RESULTS}/evaluation/per_label.png",
            caption="../report/per_label.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Labels"},
        ),
        f"{RESULTS}/evaluation/per_label.svg",
        report(
            f"{RESULTS}/evaluation/confusion_per_label.png",
            caption="../report/confusion_per_label.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Confusion of each label"},
        ),
        f"{RESULTS}/evaluation/confusion_per_label.svg",
        report(
            f"{RESULTS}/evaluation/reliability_per_label.png",
            caption="../report/reliability_per_label.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Reliability of each label"},
        ),
        f"{RESULTS}/evaluation/reliability_per_label.svg",
    log:
        logs("draw_evaluation_of_labels"),
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/evaluation_of_labels"),
    message:
        "Draw the evaluation of the labels of {wildcards.experiment}"
    script:
        "../scripts/draw/evaluation_of_labels.py"


rule draw_evaluation_of_values:
    input:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        per_value=f"{RESULTS}/evaluation/per_value.csv",
        coverage=f"{RESULTS}/evaluation/coverage.csv",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    output:
        report(
            f"{RESULTS}/evaluation/predicted_values.png",
            caption="../report/predicted_values.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Predicted and true values"},
        ),
        f"{RESULTS}/evaluation/predicted_values.svg",
        report(
            f"{RESULTS}/evaluation/coverage.png",
            caption="../report/coverage.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Coverage of the intervals"},
        ),
        f"{RESULTS}/evaluation/coverage.svg",
    log:
        logs("draw_evaluation_of_values"),
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/evaluation_of_values"),
    message:
        "Draw the evaluation of the values of {wildcards.experiment}"
    script:
        "../scripts/draw/evaluation_of_values.py"


# Only for experiments whose data source plants evidence.
rule evidence:
    input:
        **MODEL,
        x=f"{RESULTS}/data/x_test.npy",
        training=TRAINING_EXAMPLES,
        labels=f"{RESULTS}/data/labels.npz",
        truth=from_config(experiment_files.truth_file),
        groups=f"{RESULTS}/data/groups.npz",
        data_info=DATA_INFO,
    output:
        f"{RESULTS}/evaluation/evidence.csv",
    log:
        logs("evidence"),
    benchmark:
        costs("evidence")
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        **ONE_CARD,
        mem_mb=memory("network"),
        runtime=minutes("network"),
    params:
        **DEVICE,
        seed=setting("seed"),
        threads=CONFIG.threads,
        memory_mb=CONFIG.memory_mb,
        code=code_of("evidence"),
    message:
        "Test whether the model of {wildcards.experiment} uses the planted evidence"
    script:
        "../scripts/evidence.py"


rule draw_evidence:
    input:
        f"{RESULTS}/evaluation/evidence.csv",
    output:
        report(
            f"{RESULTS}/evaluation/evidence.png",
            caption="../report/evidence.rst",
            category="{experiment}",
            subcategory="3 Evaluation",
            labels={"figure": "Planted evidence"},
        ),
        f"{RESULTS}/evaluation/evidence.svg",
    log:
        logs("draw_evidence"),
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/evidence"),
    message:
        "Draw the use of the planted evidence in {wildcards.experiment}"
    script:
        "../scripts/draw/evidence.py"
