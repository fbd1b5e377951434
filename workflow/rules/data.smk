# Data: from a source's files to arrays, labels, data.json and a figure.
# in: the source's files; out: results/<experiment>/data/


rule download:
    input:
        brought_file,
    output:
        "results/downloads/{key}/{file}",
    log:
        "results/downloads/{key}/{file}.log",
    benchmark:
        "results/downloads/{key}/{file}.tsv"
    conda:
        CONDA
    resources:
        mem_mb=memory("download"),
        runtime=minutes("download"),
    params:
        source=download_source,
    message:
        "Download {params.source[address]}"
    script:
        "../scripts/download.py"


rule preprocess:
    input:
        unpack(from_config(source_files.paths, "dataset")),
    output:
        x_train=f"{RESULTS}/data/x_train.npy",
        x_validation=f"{RESULTS}/data/x_validation.npy",
        x_test=f"{RESULTS}/data/x_test.npy",
        labels=f"{RESULTS}/data/labels.npz",
        truth=f"{RESULTS}/data/truth.npz",
        measured=f"{RESULTS}/data/measured.npz",
        groups=f"{RESULTS}/data/groups.npz",
        data_info=f"{RESULTS}/data/data.json",
    log:
        logs("preprocess"),
    benchmark:
        costs("preprocess")
    wildcard_constraints:
        experiment=input_files.with_one(CONFIG),
    priority: PRIORITIES["preprocess"]
    conda:
        CONDA
    # A resource and not a parameter: it decides which arrays wait on disk, and does not change the outputs.
    resources:
        mem_mb=memory("prepare"),
        runtime=minutes("prepare"),
        memory_mb=CONFIG.memory_mb,
    params:
        dataset=setting("dataset"),
        explained=param(input_files.explained),
        listing=param(source_files.folder_digest),
        classes=param(experiment_files.output_classes),
        split=setting("split"),
        scale=setting("preprocessing", "scale"),
        seed=setting("seed"),
        code=code_of("preprocess", from_config(experiment_files.source_module, "dataset")),
    message:
        "Prepare the data of {wildcards.experiment}"
    script:
        "../scripts/preprocess.py"


# Of several inputs x_<split>.npy holds the one that is explained, and other_<split>.npz the others.
use rule preprocess as preprocess_inputs with:
    output:
        **input_files.outputs(),
        x_train=f"{RESULTS}/data/x_train.npy",
        x_validation=f"{RESULTS}/data/x_validation.npy",
        x_test=f"{RESULTS}/data/x_test.npy",
        labels=f"{RESULTS}/data/labels.npz",
        truth=f"{RESULTS}/data/truth.npz",
        measured=f"{RESULTS}/data/measured.npz",
        groups=f"{RESULTS}/data/groups.npz",
        data_info=f"{RESULTS}/data/data.json",
    wildcard_constraints:
        experiment=input_files.with_several(CONFIG),


# Only for several labels (which occur together) and for values (how they are distributed).
rule draw_answers:
    input:
        data_info=f"{RESULTS}/data/data.json",
        labels=f"{RESULTS}/data/labels.npz",
    output:
        report(
            f"{RESULTS}/data/answers.png",
            caption="../report/answers.rst",
            category="{experiment}",
            subcategory="1 Data",
            labels={"figure": "Labels or values"},
        ),
        f"{RESULTS}/data/answers.svg",
    log:
        logs("draw_answers"),
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/answers"),
    message:
        "Draw what the examples of {wildcards.experiment} are labelled with"
    script:
        "../scripts/draw/answers.py"


rule draw_data:
    input:
        data_info=f"{RESULTS}/data/data.json",
        x=f"{RESULTS}/data/x_train.npy",
        labels=f"{RESULTS}/data/labels.npz",
        measured=f"{RESULTS}/data/measured.npz",
    output:
        report(
            f"{RESULTS}/data/examples.png",
            caption="../report/data.rst",
            category="{experiment}",
            subcategory="1 Data",
            labels={"figure": "Training examples"},
        ),
        f"{RESULTS}/data/examples.svg",
    log:
        logs("draw_data"),
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        about=param(source_files.about_data),
        code=code_of("draw/data"),
    message:
        "Draw the data of {wildcards.experiment}"
    script:
        "../scripts/draw/data.py"
