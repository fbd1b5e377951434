# Explanations: one rule per method, named explain_<method>.
# in: results/<experiment>/model/, examples.npz; out: results/<experiment>/explain/<method>/


rule select_examples:
    input:
        x=f"{RESULTS}/data/x_test.npy",
        data_info=f"{RESULTS}/data/data.json",
        truth=f"{RESULTS}/data/truth.npz",
        measured=f"{RESULTS}/data/measured.npz",
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    output:
        f"{RESULTS}/examples.npz",
    log:
        logs("select_examples"),
    benchmark:
        costs("select_examples")
    priority: FIRST["select_examples"]
    conda:
        CONDA
    threads: 1
    params:
        examples=setting("examples"),
        seed=setting("seed"),
        code=code_of("select_examples"),
    message:
        "Choose the examples of {wildcards.experiment} that are explained"
    script:
        "../scripts/select_examples.py"


for method in METHODS:

    rule:
        name:
            f"explain_{method}"
        input:
            **method_sources(method),
            examples=f"{RESULTS}/examples.npz",
        output:
            attributions=f"{RESULTS}/explain/{method}/attributions.npz",
            cost=f"{RESULTS}/explain/{method}/cost.json",
            checks=f"{RESULTS}/explain/{method}/checks.json",
        log:
            logs(f"explain_{method}"),
        benchmark:
            costs(f"explain_{method}")
        priority: priority_of(method)
        conda:
            CONDA
        threads: CONFIG.threads
        resources:
            mem_mb=2000 + CONFIG.memory_mb,
        params:
            method=method,
            parameters=parameters_of("methods", method),
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
        data_info=f"{RESULTS}/data/data.json",
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
    benchmark:
        costs("draw_{method}_{variant}")
    priority: FIRST["draw_explanation"]
    conda:
        CONDA
    threads: 1
    params:
        parameters=lambda wildcards: parameters_of("methods", wildcards.method)(wildcards),
        title=heading,
        code=code_of("draw/explanation", "explain.{method}"),
    message:
        "Draw {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/explanation.py"
