# Scores of the explanations: one rule per score, named score_<score>.
# in: results/<experiment>/explain/ or measured/, and the inputs that the score declares; out: results/<experiment>/score/<score>/


rule select_scored:
    input:
        summary_files.EXAMPLES,
    output:
        scored_files.SCORED,
    log:
        logs("select_scored"),
    benchmark:
        costs("select_scored")
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        number=param(scored_files.number),
        seed=setting("seed"),
        code=code_of("select_scored"),
    message:
        "Choose the measured examples of {wildcards.experiment} that are scored"
    script:
        "../scripts/select_scored.py"


# Each score has its own rule, as each method has (explain.smk).
for score in experiment_files.all_names(CONFIG, "scores"):
    spec = plugins.spec("score", score)

    rule:
        name:
            f"score_{score}"
        input:
            unpack(from_config(scored_files.explained)),
            **experiment_files.score_inputs(score),
        output:
            table=f"{RESULTS}/score/{score}/scores.csv",
            arrays=f"{RESULTS}/score/{score}/scores.npz",
        log:
            logs(f"score_{score}"),
        benchmark:
            costs(f"score_{score}")
        conda:
            CONDA
        threads: CONFIG.threads if spec.needs_model else 1
        resources:
            **(ONE_CARD if spec.needs_model else {}),
            mem_mb=memory("network" if spec.needs_model else "table"),
            runtime=minutes("network" if spec.needs_model else "table"),
        params:
            **(DEVICE if spec.needs_model else {}),
            score=score,
            parameters=setting("scores", score),
            methods=setting("methods"),
            seed=setting("seed"),
            threads=CONFIG.threads,
            memory_mb=CONFIG.memory_mb,
            code=code_of(
                "score",
                f"score.{score}",
                *([from_config(experiment_files.plugin_modules, "methods")] if spec.needs_method else []),
            ),
        message:
            "Score {wildcards.experiment} by {params.score}"
        script:
            "../scripts/score.py"


rule draw_score:
    input:
        table=f"{RESULTS}/score/{{score}}/scores.csv",
        arrays=f"{RESULTS}/score/{{score}}/scores.npz",
    output:
        report(
            f"{RESULTS}/score/{{score}}/scores.png",
            caption="../report/score.rst",
            category="{experiment}",
            subcategory="9 Scores of the explanations",
            labels={"score": "{score}"},
        ),
        f"{RESULTS}/score/{{score}}/scores.svg",
    log:
        logs("draw_score_{score}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        about=spec_field("score", "{score}", "about"),
        paper=spec_field("score", "{score}", "paper"),
        code=code_of("draw/score", "score.{score}"),
    message:
        "Draw the score {wildcards.score} of {wildcards.experiment}"
    script:
        "../scripts/draw/score.py"


rule check:
    input:
        unpack(from_config(scored_files.explained)),
        unpack(from_config(experiment_files.randomisation_table)),
        **MODEL,
        data_info=DATA_INFO,
        training=TRAINING_EXAMPLES,
    output:
        f"{RESULTS}/score/checks.csv",
    log:
        logs("check"),
    benchmark:
        costs("check")
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        **ONE_CARD,
        mem_mb=memory("network"),
        runtime=minutes("network"),
    params:
        **DEVICE,
        methods=setting("methods"),
        seed=setting("seed"),
        threads=CONFIG.threads,
        memory_mb=CONFIG.memory_mb,
        code=code_of("check", from_config(experiment_files.plugin_modules, "methods")),
    message:
        "Check the methods of {wildcards.experiment}"
    script:
        "../scripts/check.py"


rule draw_checks:
    input:
        f"{RESULTS}/score/checks.csv",
    output:
        report(
            f"{RESULTS}/score/checks.png",
            caption="../report/checks.rst",
            category="{experiment}",
            subcategory="6 Checks",
            labels={"figure": "Checks of the methods"},
        ),
        f"{RESULTS}/score/checks.svg",
    log:
        logs("draw_checks"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/checks", from_config(experiment_files.plugin_modules, "methods")),
    message:
        "Draw the checks of {wildcards.experiment}"
    script:
        "../scripts/draw/checks.py"


rule draw_overview:
    input:
        unpack(from_config(experiment_files.explanations, "attributions")),
        unpack(from_config(evaluation_files.chance)),
        data_info=DATA_INFO,
        checks=f"{RESULTS}/score/checks.csv",
    output:
        report(
            f"{RESULTS}/explain/overview.png",
            caption="../report/overview.rst",
            category="{experiment}",
            subcategory="4 All methods side by side",
            labels={"figure": "One example of each class"},
        ),
        f"{RESULTS}/explain/overview.svg",
    log:
        logs("draw_overview"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        methods=setting("methods"),
        title=param(experiment_files.heading),
        code=code_of("draw/overview", from_config(experiment_files.plugin_modules, "methods")),
    message:
        "Draw all explanations of {wildcards.experiment} side by side"
    script:
        "../scripts/draw/overview.py"


rule agreement:
    input:
        unpack(from_config(scored_files.compared)),
        data_info=DATA_INFO,
    output:
        table=f"{RESULTS}/score/agreement.csv",
        arrays=f"{RESULTS}/score/agreement.npz",
    log:
        logs("agreement"),
    benchmark:
        costs("agreement")
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        methods=setting("methods"),
        code=code_of("agreement"),
    message:
        "Compare the explanations of {wildcards.experiment} with each other"
    script:
        "../scripts/agreement.py"


rule draw_agreement:
    input:
        f"{RESULTS}/score/agreement.npz",
    output:
        report(
            f"{RESULTS}/score/agreement.png",
            caption="../report/agreement.rst",
            category="{experiment}",
            subcategory="9 Scores of the explanations",
            labels={"score": "agreement"},
        ),
        f"{RESULTS}/score/agreement.svg",
    log:
        logs("draw_agreement"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/agreement"),
    message:
        "Draw the agreement of the explanations of {wildcards.experiment}"
    script:
        "../scripts/draw/agreement.py"


rule leaderboard:
    input:
        unpack(from_config(experiment_files.score_tables)),
        checks=f"{RESULTS}/score/checks.csv",
    output:
        table=f"{RESULTS}/score/leaderboard.csv",
        metrics=f"{RESULTS}/score/metrics.csv",
    log:
        logs("leaderboard"),
    benchmark:
        costs("leaderboard")
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        scores=param(experiment_files.names, "scores"),
        code=code_of("leaderboard", from_config(experiment_files.plugin_modules, "scores")),
    message:
        "Rank the explanations of {wildcards.experiment}"
    script:
        "../scripts/leaderboard.py"


rule draw_leaderboard:
    input:
        unpack(from_config(evaluation_files.chance)),
        table=f"{RESULTS}/score/leaderboard.csv",
        metrics=f"{RESULTS}/score/metrics.csv",
    output:
        report(
            f"{RESULTS}/score/leaderboard.png",
            caption="../report/leaderboard.rst",
            category="{experiment}",
            subcategory="5 Leaderboard",
            labels={"figure": "Leaderboard"},
        ),
        f"{RESULTS}/score/leaderboard.svg",
        report(
            f"{RESULTS}/score/tradeoffs.png",
            caption="../report/tradeoffs.rst",
            category="{experiment}",
            subcategory="5 Leaderboard",
            labels={"figure": "Trade-offs"},
        ),
        f"{RESULTS}/score/tradeoffs.svg",
    log:
        logs("draw_leaderboard"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        over=param(scored_files.words),
        code=code_of("draw/leaderboard"),
    message:
        "Draw the leaderboard of {wildcards.experiment}"
    script:
        "../scripts/draw/leaderboard.py"


rule tuned:
    input:
        values=from_config(tune_files.values),
        examples=from_config(scored_files.examples),
        groups=f"{RESULTS}/data/groups.npz",
    output:
        f"{RESULTS}/score/tuned.csv",
    log:
        logs("tuned"),
    benchmark:
        costs("tuned")
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        compared=param(tune_files.compared),
        seed=setting("seed"),
        code=code_of("tuned"),
    message:
        "Compare chosen parameters with the defaults in {wildcards.experiment}"
    script:
        "../scripts/tuned.py"


rule draw_tuned:
    input:
        f"{RESULTS}/score/tuned.csv",
    output:
        report(
            f"{RESULTS}/score/tuned.png",
            caption="../report/tuned.rst",
            category="{experiment}",
            subcategory="5 Leaderboard",
            labels={"figure": "Chosen parameters against the defaults"},
        ),
        f"{RESULTS}/score/tuned.svg",
    log:
        logs("draw_tuned"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        compared=param(tune_files.compared),
        code=code_of("draw/tuned"),
    message:
        "Draw chosen parameters of {wildcards.experiment} beside the defaults"
    script:
        "../scripts/draw/tuned.py"
