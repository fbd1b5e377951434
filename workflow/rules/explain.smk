# Explanations: one rule per method, named explain_<method>.
# in: results/<experiment>/model/, examples.npz; out: results/<experiment>/explain/<method>/


rule select_examples:
    input:
        unpack(from_config(evaluation_files.thresholds)),
        unpack(from_config(input_files.others, "test")),
        x=f"{RESULTS}/data/x_test.npy",
        data_info=DATA_INFO,
        truth=f"{RESULTS}/data/truth.npz",
        measured=f"{RESULTS}/data/measured.npz",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    output:
        f"{RESULTS}/examples.npz",
    log:
        logs("select_examples"),
    benchmark:
        costs("select_examples")
    priority: PRIORITIES["select_examples"]
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        examples=param(summary_files.shown_examples),
        seed=setting("seed"),
        code=code_of("select_examples"),
    message:
        "Choose the examples of {wildcards.experiment} that are explained"
    script:
        "../scripts/select_examples.py"


# Each method has its own rule: Snakemake's options can name it (--forcerun explain_occlusion), and it declares the inputs
# that the method reads. Drawing is the same for all methods: one rule with a wildcard.
for method in experiment_files.all_names(CONFIG, "methods"):

    rule:
        name:
            f"explain_{method}"
        input:
            **experiment_files.method_inputs(method),
            examples=f"{RESULTS}/examples.npz",
        output:
            **{kind: f"{RESULTS}/explain/{method}/{file}" for kind, file in EXPLANATION.items()},
        log:
            logs(f"explain_{method}"),
        benchmark:
            costs(f"explain_{method}")
        priority: from_config(explanation_priority, method)
        conda:
            CONDA
        threads: CONFIG.threads
        resources:
            **(ONE_CARD if plugins.spec("explain", method).needs_model else {}),
            mem_mb=memory("network" if plugins.spec("explain", method).needs_model else "table"),
            runtime=minutes("network" if plugins.spec("explain", method).needs_model else "table"),
        params:
            **(DEVICE if plugins.spec("explain", method).needs_model else {}),
            method=method,
            parameters=setting("methods", method),
            seed=setting("seed"),
            threads=CONFIG.threads,
            memory_mb=CONFIG.memory_mb,
            code=code_of("explain", f"explain.{method}"),
        message:
            "Explain {wildcards.experiment} by {params.method}"
        script:
            "../scripts/explain.py"


rule draw_explanation:
    input:
        data_info=DATA_INFO,
        attributions=f"{RESULTS}/explain/{{method}}/attributions.npz",
    output:
        report(
            f"{RESULTS}/explain/{{method}}/{{variant}}.png",
            caption="../report/explanation.rst",
            category="{experiment}",
            subcategory="7 Explanations",
            labels={"method": "{variant}"},
        ),
        f"{RESULTS}/explain/{{method}}/{{variant}}.svg",
    log:
        logs("draw_{method}_{variant}"),
    priority: PRIORITIES["draw_explanation"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        parameters=setting("methods", "{method}"),
        title=param(experiment_files.heading),
        colour_scale=setting("figures", "colour_scale"),
        code=code_of("draw/explanation", "explain.{method}"),
    message:
        "Draw {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/explanation.py"


rule draw_average_beat:
    input:
        data_info=DATA_INFO,
        attributions=f"{RESULTS}/explain/{{method}}/attributions.npz",
    output:
        report(
            f"{RESULTS}/average_beat/{{method}}/{{variant}}.png",
            caption="../report/average_beat.rst",
            category="{experiment}",
            subcategory="7 Explanations",
            labels={"method": "{variant}, average beat"},
        ),
        f"{RESULTS}/average_beat/{{method}}/{{variant}}.svg",
    log:
        logs("draw_average_beat_{method}_{variant}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        parameters=setting("methods", "{method}"),
        title=param(experiment_files.heading),
        code=code_of("draw/average_beat", "explain.{method}"),
    message:
        "Draw the average beat of {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/average_beat.py"
