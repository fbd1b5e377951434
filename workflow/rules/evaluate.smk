# Evaluation: how good the model is on the test examples.
# in: results/<experiment>/data/, model/; out: results/<experiment>/evaluation/


rule evaluate:
    input:
        x=f"{RESULTS}/data/x_test.npy",
        labels=f"{RESULTS}/data/labels.npz",
        facts=f"{RESULTS}/data/data.json",
        model=f"{RESULTS}/model/model.keras",
    output:
        metrics=f"{RESULTS}/evaluation/metrics.json",
        per_class=f"{RESULTS}/evaluation/per_class.csv",
        confusion=f"{RESULTS}/evaluation/confusion_matrix.csv",
        reliability=f"{RESULTS}/evaluation/reliability.csv",
        table=f"{RESULTS}/evaluation/predictions.csv",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    log:
        logs("evaluate"),
    benchmark:
        costs("evaluate")
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        mem_mb=2000 + CONFIG.memory_mb,
    params:
        threads=CONFIG.threads,
        memory_mb=CONFIG.memory_mb,
        code=code_digest("pellucid.evaluation"),
    message:
        "Evaluate {wildcards.experiment} on its test examples"
    script:
        "../scripts/evaluate.py"


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
    benchmark:
        costs("draw_evaluation")
    conda:
        CONDA
    threads: 1
    params:
        title=setting("title"),
        code=code_digest("pellucid.draw.evaluation"),
    message:
        "Draw the evaluation of {wildcards.experiment}"
    script:
        "../scripts/draw_evaluation.py"
