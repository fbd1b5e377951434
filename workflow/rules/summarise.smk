# Whole test sets: every method explains the measured examples, in parts, and whole classes are summarised.
# in: results/<experiment>/data/, model/, evaluation/; out: results/<experiment>/measured/, summaries/

SUMMARIES_OF = f"{RESULTS}/summaries/{{variant}}"


rule select_measured:
    input:
        unpack(from_config(evaluation_files.thresholds)),
        unpack(from_config(input_files.others, "test")),
        x=f"{RESULTS}/data/x_test.npy",
        truth=f"{RESULTS}/data/truth.npz",
        groups=f"{RESULTS}/data/groups.npz",
        data_info=DATA_INFO,
        predictions=f"{RESULTS}/evaluation/predictions.npz",
    output:
        summary_files.EXAMPLES,
    log:
        logs("select_measured"),
    benchmark:
        costs("select_measured")
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        examples=param(summary_files.measured_examples),
        seed=setting("seed"),
        code=code_of("select_measured"),
    message:
        "Draw the examples of {wildcards.experiment} that are measured"
    script:
        "../scripts/select_measured.py"


# Each method has its own rule, and each part of its examples is a job. A part is the same in whichever number of parts
# its examples lie, so that a killed part alone is made again.
for method in experiment_files.all_names(CONFIG, "methods"):

    rule:
        name:
            f"measure_{method}"
        input:
            **experiment_files.method_inputs(method),
            examples=summary_files.EXAMPLES,
            x=f"{RESULTS}/data/x_test.npy",
            filled=f"{RESULTS}/data/measured.npz",
        output:
            maps=f"{RESULTS}/measured/{method}/part_{{part}}.npy",
            facts=f"{RESULTS}/measured/{method}/part_{{part}}.json",
        log:
            logs(f"measure_{method}_{{part}}"),
        benchmark:
            costs(f"measure_{method}_{{part}}")
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
            code=code_of("measure", f"explain.{method}"),
        message:
            "Explain part {wildcards.part} of the measured examples of {wildcards.experiment} by {params.method}"
        script:
            "../scripts/measure.py"


rule permutation:
    input:
        **MODEL,
        examples=summary_files.EXAMPLES,
        x=f"{RESULTS}/data/x_test.npy",
        data_info=DATA_INFO,
    output:
        summary_files.PERMUTATION,
    log:
        logs("permutation"),
    benchmark:
        costs("permutation")
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
        code=code_of("permutation"),
    message:
        "Shuffle channels and places of the measured examples of {wildcards.experiment}"
    script:
        "../scripts/permutation.py"


rule summarise:
    input:
        maps=from_config(summary_files.parts_of_variant, "{variant}"),
        examples=summary_files.EXAMPLES,
        x=f"{RESULTS}/data/x_test.npy",
        filled=f"{RESULTS}/data/measured.npz",
        data_info=DATA_INFO,
        permutation=summary_files.PERMUTATION,
    output:
        **{kind: f"{SUMMARIES_OF}/{file}" for kind, file in summary_files.SUMMARY.items()},
    log:
        logs("summarise_{variant}"),
    benchmark:
        costs("summarise_{variant}")
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        parameters=param(summary_files.method_parameters, "{variant}"),
        seed=setting("seed"),
        code=code_of("summarise", summary_files.variant_module),
    message:
        "Summarise {wildcards.variant} of {wildcards.experiment} over its measured examples"
    script:
        "../scripts/summarise.py"


rule draw_class_maps:
    input:
        maps=f"{SUMMARIES_OF}/class_maps.npz",
        data_info=DATA_INFO,
    output:
        report(
            f"{SUMMARIES_OF}/class_maps.png",
            caption="../report/class_maps.rst",
            category="{experiment}",
            subcategory="8 Whole test set",
            labels={"method": "{variant}", "figure": "Class maps"},
        ),
        f"{SUMMARIES_OF}/class_maps.svg",
    log:
        logs("draw_class_maps_{variant}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        parameters=param(summary_files.method_parameters, "{variant}"),
        title=param(experiment_files.heading),
        align=setting("examples", "align"),
        code=code_of("draw/class_maps", summary_files.variant_module),
    message:
        "Draw the class maps of {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/class_maps.py"


rule draw_importance:
    input:
        table=f"{SUMMARIES_OF}/importance.csv",
        shares=f"{SUMMARIES_OF}/shares.npz",
        agreement=f"{SUMMARIES_OF}/agreement.json",
        examples=summary_files.EXAMPLES,
        data_info=DATA_INFO,
    output:
        report(
            f"{SUMMARIES_OF}/importance.png",
            caption="../report/importance.rst",
            category="{experiment}",
            subcategory="8 Whole test set",
            labels={"method": "{variant}", "figure": "Which channel, which time"},
        ),
        f"{SUMMARIES_OF}/importance.svg",
    log:
        logs("draw_importance_{variant}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/importance", summary_files.variant_module),
    message:
        "Draw which channel and which time matter to {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/importance.py"


rule draw_map_groups:
    input:
        maps=from_config(summary_files.parts_of_variant, "{variant}"),
        groups=f"{SUMMARIES_OF}/groups.csv",
        flags=f"{SUMMARIES_OF}/groups.json",
        examples=summary_files.EXAMPLES,
        x=f"{RESULTS}/data/x_test.npy",
        filled=f"{RESULTS}/data/measured.npz",
        data_info=DATA_INFO,
    output:
        report(
            f"{SUMMARIES_OF}/groups.png",
            caption="../report/map_groups.rst",
            category="{experiment}",
            subcategory="8 Whole test set",
            labels={"method": "{variant}", "figure": "Groups of maps"},
        ),
        f"{SUMMARIES_OF}/groups.svg",
    log:
        logs("draw_map_groups_{variant}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        parameters=param(summary_files.method_parameters, "{variant}"),
        title=param(experiment_files.heading),
        code=code_of("draw/map_groups", summary_files.variant_module),
    message:
        "Draw the groups of maps of {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/map_groups.py"


# Made when it is asked for: snakemake --cores 1 results/digits/measured/occlusion/example_17.png
rule draw_measured:
    input:
        maps=from_config(summary_files.parts_of_variant, "{variant}"),
        examples=summary_files.EXAMPLES,
        x=f"{RESULTS}/data/x_test.npy",
        truth=f"{RESULTS}/data/truth.npz",
        filled=f"{RESULTS}/data/measured.npz",
        data_info=DATA_INFO,
    output:
        f"{RESULTS}/measured/{{variant}}/example_{{index}}.png",
        f"{RESULTS}/measured/{{variant}}/example_{{index}}.svg",
    log:
        logs("draw_measured_{variant}_{index}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        parameters=param(summary_files.method_parameters, "{variant}"),
        title=param(experiment_files.heading),
        code=code_of("draw/measured_example", summary_files.variant_module),
    message:
        "Draw test example {wildcards.index} of {wildcards.experiment} by {wildcards.variant}"
    script:
        "../scripts/draw/measured_example.py"
