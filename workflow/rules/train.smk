# Training: from arrays to the model of the best epoch.
# in: results/<experiment>/data/, the model's files; out: results/<experiment>/model/, and random_labels/ for a score


rule train:
    input:
        unpack(files_of("model")),
        x_train=f"{RESULTS}/data/x_train.npy",
        x_validation=f"{RESULTS}/data/x_validation.npy",
        labels=f"{RESULTS}/data/labels.npz",
        measured=f"{RESULTS}/data/measured.npz",
        data_info=f"{RESULTS}/data/data.json",
    output:
        model=f"{RESULTS}/model/model.keras",
        history=f"{RESULTS}/model/history.csv",
        training_info=f"{RESULTS}/model/training.json",
        cost=f"{RESULTS}/model/cost.json",
    log:
        logs("train"),
    benchmark:
        costs("train")
    priority: FIRST["train"]
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        mem_mb=4000,
    params:
        model=setting("model"),
        files=lambda wildcards: list(files_of("model")(wildcards)),
        training=setting("training"),
        seed=training_seed,
        permuted=False,
        threads=CONFIG.threads,
        # Snakemake deletes the outputs of a killed job, so what a second try needs is none of them.
        checkpoints=lambda wildcards: f"results/{wildcards.experiment}/checkpoints",
        code=code_of(
            "train",
            lambda wildcards: [f"models.{experiment_of(wildcards)['model']['architecture']}"],
        ),
    message:
        "Train {params.model[architecture]} on {wildcards.experiment}"
    script:
        "../scripts/train.py"


# The same on labels that mean nothing, for the score random_labels.
use rule train as train_random_labels with:
    output:
        model=f"{RESULTS}/random_labels/model.keras",
        history=f"{RESULTS}/random_labels/history.csv",
        training_info=f"{RESULTS}/random_labels/training.json",
        cost=f"{RESULTS}/random_labels/cost.json",
    log:
        logs("train_random_labels"),
    benchmark:
        costs("train_random_labels")
    # Long: the first of what is no figure.
    priority: FIRST["train_random_labels"]
    params:
        training=lambda wildcards: random_labels.recipe(
            experiment_of(wildcards)["training"],
            experiment_of(wildcards)["scores"]["random_labels"]["epochs"],
        ),
        seed=lambda wildcards: random_labels.seed(experiment_of(wildcards)["seed"]),
        permuted=True,
        checkpoints=lambda wildcards: f"results/{wildcards.experiment}/random_labels/checkpoints",
    message:
        "Train {params.model[architecture]} on {wildcards.experiment} with random labels"


rule draw_training:
    input:
        history=f"{RESULTS}/model/history.csv",
        training_info=f"{RESULTS}/model/training.json",
    output:
        report(
            f"{RESULTS}/model/history.png",
            caption="../report/training.rst",
            category="{experiment}",
            subcategory="2 Model",
            labels={"figure": "Learning curves"},
        ),
        f"{RESULTS}/model/history.svg",
    log:
        logs("draw_training"),
    benchmark:
        costs("draw_training")
    priority: FIRST["figure"]
    conda:
        CONDA
    threads: 1
    params:
        title=heading,
        code=code_of("draw/training"),
    message:
        "Draw the training of {wildcards.experiment}"
    script:
        "../scripts/draw/training.py"


# Of experiments whose training examples are augmented.
rule draw_augmentation:
    input:
        data_info=f"{RESULTS}/data/data.json",
        x=f"{RESULTS}/data/x_train.npy",
        labels=f"{RESULTS}/data/labels.npz",
        measured=f"{RESULTS}/data/measured.npz",
    output:
        report(
            f"{RESULTS}/model/augmentation.png",
            caption="../report/augmentation.rst",
            category="{experiment}",
            subcategory="2 Model",
            labels={"figure": "Augmented training examples"},
        ),
        f"{RESULTS}/model/augmentation.svg",
    log:
        logs("draw_augmentation"),
    benchmark:
        costs("draw_augmentation")
    priority: FIRST["figure"]
    conda:
        CONDA
    threads: 1
    params:
        title=heading,
        augmentation=setting("training", "augmentation"),
        seed=setting("seed"),
        code=code_of("draw/augmentation"),
    message:
        "Draw augmented training examples of {wildcards.experiment}"
    script:
        "../scripts/draw/augmentation.py"
