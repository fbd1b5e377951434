# The page of an experiment: a summary, an explorer of the explanations and the tables, in one file.
# in: results/<experiment>/data/, model/, evaluation/, explain/, score/, summaries/; out: results/<experiment>/page.html, summary.json

from pellucid.page import parts as page_parts


rule page:
    input:
        unpack(from_config(page_files.inputs)),
        data_info=DATA_INFO,
        training=f"{RESULTS}/model/training.json",
    output:
        page=report(
            PAGE,
            caption="../report/page.rst",
            category="{experiment}",
            subcategory="0 Summary and explorer",
            labels={"page": "Summary, explorer and tables"},
        ),
        summary=page_files.SUMMARY,
    log:
        logs("page"),
    benchmark:
        costs("page")
    conda:
        CONDA
    resources:
        mem_mb=memory("page"),
        runtime=minutes("page"),
    params:
        title=setting("title"),
        settings=param(page_files.settings),
        parts=page_parts.digest(),
        code=code_of(
            "page",
            from_config(experiment_files.plugin_modules, "methods"),
            from_config(experiment_files.plugin_modules, "scores"),
            from_config(experiment_files.source_module, "model"),
        ),
    message:
        "Write the page of {wildcards.experiment}"
    script:
        "../scripts/page.py"
