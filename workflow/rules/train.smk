# Training: from arrays to the model of the best epoch.
# in: results/<experiment>/data/, the model's files; out: results/<experiment>/model/, and random_labels/ for a score


rule train:
    input:
        unpack(from_config(source_files.paths, "model")),
        unpack(from_config(input_files.others, "train", "validation")),
        x_train=f"{RESULTS}/data/x_train.npy",
        x_validation=f"{RESULTS}/data/x_validation.npy",
        labels=f"{RESULTS}/data/labels.npz",
        measured=f"{RESULTS}/data/measured.npz",
        data_info=DATA_INFO,
    output:
        model=f"{RESULTS}/model/model.keras",
        history=f"{RESULTS}/model/history.csv",
        training_info=f"{RESULTS}/model/training.json",
        cost=f"{RESULTS}/model/cost.json",
    log:
        logs("train"),
    benchmark:
        costs("train")
    wildcard_constraints:
        experiment=kept_checkpoints.keeping_none(CONFIG),
    priority: PRIORITIES["train"]
    conda:
        CONDA
    threads: CONFIG.threads
    resources:
        **ONE_CARD,
        **checkpoint_store("train"),
        mem_mb=training_memory,
        runtime=training_minutes,
    params:
        **DEVICE,
        model=setting("model"),
        files=param(source_files.parameters, "model"),
        training=setting("training"),
        seed=param(experiment_files.training_seed),
        permuted=False,
        threads=CONFIG.threads,
        # Not an output: Snakemake would delete the outputs of a killed job, but the next job continues from these files.
        checkpoints=CHECKPOINTS["train"],
        code=code_of("train", from_config(experiment_files.source_module, "model")),
    message:
        "Train {params.model[architecture]} on {wildcards.experiment}"
    script:
        "../scripts/train.py"


# The same training, where it keeps the weights of some epochs as well.
use rule train as train_keeping_checkpoints with:
    output:
        model=f"{RESULTS}/model/model.keras",
        history=f"{RESULTS}/model/history.csv",
        training_info=f"{RESULTS}/model/training.json",
        cost=f"{RESULTS}/model/cost.json",
        checkpoints=f"{RESULTS}/model/checkpoints.npz",
    wildcard_constraints:
        experiment=kept_checkpoints.keeping(CONFIG),


# The same training, but on labels in random order: for the score random_labels.
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
    wildcard_constraints:
        experiment=none_of(),
    # It takes long: it starts before all other jobs that no figure of an explanation needs.
    priority: PRIORITIES["train_random_labels"]
    resources:
        **ONE_CARD,
        **checkpoint_store("train_random_labels"),
        mem_mb=training_memory,
        runtime=random_labels_minutes,
    params:
        **DEVICE,
        training=random_labels_training,
        seed=random_labels_seed,
        permuted=True,
        checkpoints=CHECKPOINTS["train_random_labels"],
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
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        code=code_of("draw/training"),
    message:
        "Draw the training of {wildcards.experiment}"
    script:
        "../scripts/draw/training.py"


# Only for experiments whose training examples are augmented.
rule draw_augmentation:
    input:
        data_info=DATA_INFO,
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
    priority: PRIORITIES["figure"]
    conda:
        CONDA
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        title=param(experiment_files.heading),
        augmentation=setting("training", "augmentation"),
        seed=setting("seed"),
        code=code_of("draw/augmentation"),
    message:
        "Draw augmented training examples of {wildcards.experiment}"
    script:
        "../scripts/draw/augmentation.py"
