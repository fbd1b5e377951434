# Data: from a source's files to arrays, labels, facts and a figure.
# in: the source's files; out: results/<experiment>/data/

# Those of the architectures too: one rule brings every file.
DOWNLOADS = {
    downloaded(address): {"address": address, **transfers.checksums(settings[key], name)}
    for settings in CONFIG.experiments.values()
    for key in configuration.FILES
    for name, address in configuration.files(settings, key)
    if not transfers.is_local(address)
}


rule download:
    output:
        "results/downloads/{key}/{file}",
    log:
        "results/downloads/{key}/{file}.log",
    benchmark:
        "results/downloads/{key}/{file}.tsv"
    conda:
        CONDA
    threads: 1
    params:
        source=lambda wildcards, output: DOWNLOADS[output[0]],
    message:
        "Download {params.source[address]}"
    script:
        "../scripts/download.py"


rule preprocess:
    input:
        unpack(files_of("dataset")),
    output:
        multiext(f"{RESULTS}/data/x_", "train.npy", "validation.npy", "test.npy"),
        labels=f"{RESULTS}/data/labels.npz",
        truth=f"{RESULTS}/data/truth.npz",
        measured=f"{RESULTS}/data/measured.npz",
        data_info=f"{RESULTS}/data/data.json",
    log:
        logs("preprocess"),
    benchmark:
        costs("preprocess")
    priority: FIRST["preprocess"]
    conda:
        CONDA
    threads: 1
    # No parameter: it decides what waits on disk, and changes nothing in what is written.
    resources:
        memory_mb=CONFIG.memory_mb,
    params:
        dataset=setting("dataset"),
        listing=lambda wildcards: configuration.listing_of(experiment_of(wildcards)),
        # Those of a model of one's own: the labels are numbered by its outputs.
        classes=lambda wildcards: in_params(experiment_of(wildcards)["model"].get("classes", [])),
        split=setting("split"),
        scale=setting("preprocessing", "scale"),
        seed=setting("seed"),
        code=code_of(
            "preprocess",
            lambda wildcards: [f"datasets.{experiment_of(wildcards)['dataset']['source']}"],
        ),
    message:
        "Prepare the data of {wildcards.experiment}"
    script:
        "../scripts/preprocess.py"


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
    benchmark:
        costs("draw_data")
    priority: FIRST["figure"]
    conda:
        CONDA
    threads: 1
    params:
        title=heading,
        about=about,
        code=code_of("draw/data"),
    message:
        "Draw the data of {wildcards.experiment}"
    script:
        "../scripts/draw/data.py"
