# Pellucid: from data to explanations, as one workflow. This file is its table of contents.


include: "workflow/rules/config.smk"


configfile: "config.yaml"


include: "workflow/rules/common.smk"


# Before all rules: what stands behind them is not applied to files in a storage such as S3 (the plugin keeps old paths).
wildcard_constraints:
    experiment="(?!comparison/)[a-z][a-z0-9_]*",
    study="[a-z][a-z0-9_]*",
    method="[a-z0-9_]+",
    part="[0-9]+of[0-9]+",
    index="[0-9]+",
    view="[a-z0-9_]+",
    score="[a-z0-9_]+",


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/summarise.smk"
include: "workflow/rules/view.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/page.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


# Snakemake 9 starts at most 100 jobs a second. Its rate limiter looks through all waiting jobs again every second, once for
# each job that has ended: after some hundred jobs that keeps a core busy. A local run needs no such limit.
onstart:
    limiter = getattr(workflow.scheduler, "job_rate_limiter", None)
    if limiter and limiter.max_jobs == 100 and workflow.executor_plugin.common_settings.local_exec:
        workflow.scheduler.job_rate_limiter = None


# Checkpoints in a storage outlive their jobs. Those of all trainings of this run are not needed any more: their models stand.
onsuccess:
    for job in [] if SHARED else workflow.dag.jobs:
        if job.rule.name in CHECKPOINTS:
            remove_checkpoints(job)


# On a cluster these run where Snakemake was started: nodes may reach neither the network nor MLflow, and the tables over
# experiments take seconds.
localrules:
    all,
    results,
    download,
    tracking_store,
    track,
    track_study,
    track_comparison,
    study,
    draw_study,
    study_explanations,
    draw_study_explanations,
    study_ranking,
    draw_study_ranking,
    comparison,
    draw_comparison,


rule all:
    default_target: True
    input:
        FIGURES,
        PAGES,
        SUMMARIES.values(),
        study_files.records(CONFIG),


# Everything but the record in MLflow.
rule results:
    input:
        FIGURES,
        PAGES,
        SUMMARIES.values(),
