# Pellucid: from data to explanations, as one workflow. This file is its table of contents.


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_scores.smk"
include: "workflow/rules/common_studies.smk"
include: "workflow/rules/common_targets.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/view.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/track.smk"


report: "workflow/report/workflow.rst"


wildcard_constraints:
    experiment="(?!comparison/)[a-z][a-z0-9_]*",
    study="[a-z][a-z0-9_]*",
    method="[a-z0-9_]+",
    view="[a-z0-9_]+",
    score="[a-z0-9_]+",


rule all:
    default_target: True
    input:
        figures(),
        over_experiments(),
        tracked(),


# Everything but the record in MLflow.
rule results:
    input:
        figures(),
        over_experiments(),
