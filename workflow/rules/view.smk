# Views of the model itself: one rule per view, named view_<view>.
# in: results/<experiment>/model/ and the inputs that the view declares; out: results/<experiment>/views/<view>/


# Each view has its own rule, as each method has (explain.smk).
for view in experiment_files.all_names(CONFIG, "views"):
    spec = plugins.spec("views", view)

    rule:
        name:
            f"view_{view}"
        input:
            unpack(from_config(kept_checkpoints.of_view, view)),
            **experiment_files.view_inputs(view),
            named=from_config(view_files.paths, view, "{variant}"),
        output:
            **{suffix: f"{RESULTS}/views/{view}/{{variant}}.{suffix}" for suffix in spec.texts},
            arrays=f"{RESULTS}/views/{view}/{{variant}}.npz",
            cost=f"{RESULTS}/views/{view}/{{variant}}.json",
        log:
            logs("view_{variant}"),
        benchmark:
            costs("view_{variant}")
        conda:
            CONDA
        threads: CONFIG.threads
        resources:
            **ONE_CARD,
            mem_mb=memory("network"),
            runtime=minutes("network"),
        params:
            **DEVICE,
            view=view,
            parameters=setting("views", view),
            sources=list(spec.sources()),
            named=param(view_files.addresses, view, "{variant}"),
            texts=list(spec.texts),
            seed=setting("seed"),
            threads=CONFIG.threads,
            memory_mb=CONFIG.memory_mb,
            code=code_of("view", f"views.{view}", from_config(experiment_files.view_methods, view, "{variant}")),
        message:
            "View {wildcards.variant} of {wildcards.experiment}"
        script:
            "../scripts/view.py"


# Only for views whose SPEC names measures.
rule view_measures:
    input:
        tables=from_config(view_files.csv, "{view}"),
        groups=f"{RESULTS}/data/groups.npz",
    output:
        view_files.MEASURES,
    log:
        logs("view_measures_{view}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        variants=param(view_files.labels, "{view}"),
        seed=setting("seed"),
        code=code_of("view_measures", "views.{view}"),
    message:
        "Summarise the measures of {wildcards.view} of {wildcards.experiment}"
    script:
        "../scripts/view_measures.py"


rule draw_view:
    input:
        data_info=DATA_INFO,
        arrays=f"{RESULTS}/views/{{view}}/{{variant}}.npz",
    output:
        report(
            f"{RESULTS}/views/{{view}}/{{variant}}.png",
            caption="../report/view.rst",
            category="{experiment}",
            subcategory="8 Views of the model",
            labels={"view": "{variant}"},
        ),
        f"{RESULTS}/views/{{view}}/{{variant}}.svg",
    log:
        logs("draw_view_{view}_{variant}"),
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        parameters=setting("views", "{view}"),
        title=param(experiment_files.heading),
        about=spec_field("views", "{view}", "about"),
        paper=spec_field("views", "{view}", "paper"),
        code=code_of("draw/view", "draw.views.{view}", "views.{view}"),
    message:
        "Draw {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/view.py"
