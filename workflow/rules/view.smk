# Views of the model itself: one rule per view, named view_<view>.
# in: results/<experiment>/model/ and what the view declares; out: results/<experiment>/views/<view>/


for view, spec in VIEWS.items():

    rule:
        name:
            f"view_{view}"
        input:
            **{name: f"{RESULTS}/{path}" for name, path in spec.sources().items()},
            **MODEL,
            data_info=f"{RESULTS}/data/data.json",
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
            mem_mb=2000 + CONFIG.memory_mb,
        params:
            view=view,
            parameters=parameters_of("views", view),
            sources=list(spec.sources()),
            texts=list(spec.texts),
            seed=setting("seed"),
            threads=CONFIG.threads,
            memory_mb=CONFIG.memory_mb,
            code=code_of("view", f"views.{view}", methods_in_view(view)),
        message:
            "View {wildcards.variant} of {wildcards.experiment}"
        script:
            "../scripts/view.py"


rule draw_view:
    input:
        data_info=f"{RESULTS}/data/data.json",
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
    benchmark:
        costs("draw_view_{view}_{variant}")
    conda:
        CONDA
    threads: 1
    params:
        parameters=lambda wildcards: parameters_of("views", wildcards.view)(wildcards),
        title=heading,
        about=lambda wildcards: VIEWS[wildcards.view].about,
        paper=lambda wildcards: VIEWS[wildcards.view].paper,
        code=code_of("draw/view", "draw.views.{view}", "views.{view}"),
    message:
        "Draw {wildcards.variant} of {wildcards.experiment}"
    script:
        "../scripts/draw/view.py"
