# Comparisons of experiments: the members of a study, their explanations, and one leaderboard over all experiments.
# in: results/<experiment>/; out: results/<study>/study/, results/comparison/

RANKED = study_files.ranked(CONFIG)


rule study:
    input:
        unpack(from_config(study_files.member_results)),
    output:
        table=f"{STUDY}/members.csv",
        summary=f"{STUDY}/summary.csv",
    log:
        f"{STUDY}/logs/study.log",
    benchmark:
        f"{STUDY}/benchmarks/study.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        members=param(study_files.members),
        code=code_of("study"),
    message:
        "Compare the members of {wildcards.study}"
    script:
        "../scripts/study.py"


rule draw_study:
    input:
        f"{STUDY}/members.csv",
    output:
        report(
            f"{STUDY}/members.png",
            caption="../report/study.rst",
            category="{study}",
            subcategory="Study",
            labels={"figure": "Test scores of all members"},
        ),
        f"{STUDY}/members.svg",
    log:
        f"{STUDY}/logs/draw_study.log",
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(study_files.heading),
        members=param(study_files.members),
        code=code_of("draw/study"),
    message:
        "Draw the members of {wildcards.study}"
    script:
        "../scripts/draw/study.py"


rule study_explanations:
    input:
        unpack(from_config(study_files.retrained_explanations)),
    output:
        f"{STUDY}/explanations.csv",
    log:
        f"{STUDY}/logs/study_explanations.log",
    benchmark:
        f"{STUDY}/benchmarks/study_explanations.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        groups=param(study_files.retrained),
        members=param(study_files.members),
        methods=param(study_files.member_methods),
        seed=param(study_files.study_seed),
        of=param(study_files.words_of_explained),
        code=code_of("study_explanations"),
    message:
        "Compare the explanations of {wildcards.study} after several trainings"
    script:
        "../scripts/study_explanations.py"


rule draw_study_explanations:
    input:
        f"{STUDY}/explanations.csv",
    output:
        report(
            f"{STUDY}/explanations.png",
            caption="../report/study_explanations.rst",
            category="{study}",
            subcategory="Study",
            labels={"figure": "Explanations after several trainings"},
        ),
        f"{STUDY}/explanations.svg",
    log:
        f"{STUDY}/logs/draw_study_explanations.log",
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(study_files.heading),
        code=code_of("draw/study_explanations"),
    message:
        "Draw how the explanations of {wildcards.study} depend on the training"
    script:
        "../scripts/draw/study_explanations.py"


rule study_ranking:
    input:
        unpack(from_config(study_files.retrained_scores)),
    output:
        table=f"{STUDY}/ranking.csv",
        differences=f"{STUDY}/differences.csv",
        findings=f"{STUDY}/ranking.json",
    log:
        f"{STUDY}/logs/study_ranking.log",
    benchmark:
        f"{STUDY}/benchmarks/study_ranking.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        groups=param(study_files.retrained),
        members=param(study_files.members),
        scores=param(study_files.member_scores),
        code=code_of("study_ranking"),
    message:
        "Rank the methods of {wildcards.study} over several trainings"
    script:
        "../scripts/study_ranking.py"


rule draw_study_ranking:
    input:
        table=f"{STUDY}/ranking.csv",
        findings=f"{STUDY}/ranking.json",
    output:
        report(
            f"{STUDY}/ranking.png",
            caption="../report/study_ranking.rst",
            category="{study}",
            subcategory="Study",
            labels={"figure": "Ranks that hold for other trainings"},
        ),
        f"{STUDY}/ranking.svg",
    log:
        f"{STUDY}/logs/draw_study_ranking.log",
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(study_files.heading),
        code=code_of("draw/study_ranking"),
    message:
        "Draw the ranks of the methods of {wildcards.study}"
    script:
        "../scripts/draw/study_ranking.py"


rule comparison:
    input:
        [f"results/{name}/score/leaderboard.csv" for name in RANKED],
    output:
        f"{COMPARISON}/leaderboard.csv",
    log:
        f"{COMPARISON}/logs/comparison.log",
    benchmark:
        f"{COMPARISON}/benchmarks/comparison.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("table"),
        runtime=minutes("table"),
    params:
        experiments=RANKED,
        over={name: scored_files.words(CONFIG, name) for name in RANKED},
        code=code_of("comparison"),
    message:
        "Join the leaderboards of all experiments"
    script:
        "../scripts/comparison.py"


rule draw_comparison:
    input:
        table=f"{COMPARISON}/leaderboard.csv",
        chance=[path for name in RANKED for path in evaluation_files.chance(CONFIG, name).values()],
    output:
        report(
            f"{COMPARISON}/leaderboard.png",
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"figure": "Leaderboard over experiments"},
        ),
        f"{COMPARISON}/leaderboard.svg",
    log:
        f"{COMPARISON}/logs/draw_comparison.log",
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        experiments=RANKED,
        code=code_of("draw/comparison"),
    message:
        "Draw the leaderboard of all experiments"
    script:
        "../scripts/draw/comparison.py"


rule track_study:
    input:
        tables=from_config(study_files.study_tables),
        members=f"{STUDY}/members.csv",
        figures=from_config(study_files.study_figures),
        store="results/mlflow/store.json",
    output:
        f"{STUDY}/tracking.json",
    log:
        f"{STUDY}/logs/track_study.log",
    benchmark:
        f"{STUDY}/benchmarks/track_study.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("record"),
        runtime=minutes("record"),
    params:
        title=param(study_files.title),
        members=param(study_files.members),
        tracking=CONFIG.tracking,
        code=code_of("track_study"),
    message:
        "Record the study {wildcards.study} in MLflow"
    script:
        "../scripts/track_study.py"


rule track_comparison:
    input:
        table=f"{COMPARISON}/leaderboard.csv",
        figures=[f"{COMPARISON}/leaderboard.png", f"{COMPARISON}/leaderboard.svg"],
        store="results/mlflow/store.json",
    output:
        f"{COMPARISON}/tracking.json",
    log:
        f"{COMPARISON}/logs/track_comparison.log",
    benchmark:
        f"{COMPARISON}/benchmarks/track_comparison.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("record"),
        runtime=minutes("record"),
    params:
        experiments=RANKED,
        tracking=CONFIG.tracking,
        code=code_of("track_comparison"),
    message:
        "Record the leaderboard of all experiments in MLflow"
    script:
        "../scripts/track_comparison.py"
