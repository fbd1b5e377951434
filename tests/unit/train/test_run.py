"""Training: the same bytes every time, also when it was killed in between."""

import functools
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from pellucid import files, seeds
from pellucid.train import random_labels
from pellucid.train.checkpoints import COLUMNS
from pellucid.train.run import train
from tests.support import prepared

EPOCHS = 6
RECIPE = {"epochs": EPOCHS, "batch_size": 64, "learning_rate": 0.002}
# A network with dropout, whose random state a resumed run must get right.
MODEL = {"architecture": "digit_cnn", "dropout": 0.25}
WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"


def arguments(data, folder, seed=1, **recipe):
    return prepared.arguments(data, folder, MODEL, RECIPE | recipe, seed=seed)


def loaded(data, batch_size, weights):
    """The batches of the training and of the validation examples."""
    from pellucid.train.batches import load_batches

    given = prepared.data_files(data, "x_train", "x_validation", "labels", "measured")
    x = {split: given.pop(f"x_{split}") for split in ("train", "validation")}
    return load_batches(x, **given, batch_size=batch_size, class_weights=weights, seed=1)


def weights(folder):
    return files.read_json(folder / "model" / "training.json")["weights_digest"]


@pytest.fixture(scope="module")
def uninterrupted(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(**arguments(digits, folder))
    return folder


class Killed(BaseException):
    """Ends the process as it seems to the code: nothing catches it."""


def killed_after(epochs, given, before=False):
    """The training as far as a kill after so many epochs leaves it; `before` the file that counts them is written."""

    def kill(path, content, write=files.write_json):
        last = Path(path).name == "progress.json" and len(content["history"]) == epochs
        if not (last and before):
            write(path, content)
        if last:
            raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "write_json", kill)
        with pytest.raises(Killed):
            train(**given)


@pytest.fixture(scope="module")
def stopped(digits, tmp_path_factory):
    """The checkpoints of a training that was killed after two epochs: to be copied."""
    folder = tmp_path_factory.mktemp("stopped")
    killed_after(2, arguments(digits, folder))
    return folder / "checkpoints"


def start(given):
    """The training in a process of its own, logging to its standard error."""
    code = f"""
import logging, sys
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
from pellucid.train.run import train
train(**{given!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(WORKFLOW)}
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=environment)


def kill_in_epoch(process, epoch):
    """SIGKILL as soon as the epoch before `epoch` has been told, that is, within `epoch`."""
    for line in process.stderr:
        if re.match(rf"epoch +{epoch - 1}/", line):
            time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stderr.close()
    assert process.wait() == -signal.SIGKILL


# Two kills of one training are tried whenever the tests are run, one in the last epoch with the slow ones. Below are kills
# after the first epoch, and between two writes.
@pytest.mark.parametrize("epochs", [(3, 5), pytest.param((EPOCHS,), marks=pytest.mark.slow)])
def test_killed_and_started_again_it_ends_with_equal_weights(digits, uninterrupted, tmp_path, epochs):
    given = arguments(digits, tmp_path)
    for epoch in epochs:
        kill_in_epoch(start(given), epoch)
        assert not (tmp_path / "model" / "model.keras").exists()
    last = start(given)
    said = last.stderr.read()
    assert last.wait() == 0, said
    reached = re.search(r"going on from epoch (\d+) of 6", said)
    assert reached, said
    assert int(reached[1]) >= epochs[-1] - 1
    assert weights(tmp_path) == weights(uninterrupted)
    for name in ("history.csv", "training.json"):
        assert (tmp_path / "model" / name).read_bytes() == (uninterrupted / "model" / name).read_bytes()


def permuted(digits, folder):
    return arguments(digits, folder, epochs=2) | {"permuted": True}


@pytest.fixture(scope="module")
def on_random_labels(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("permuted")
    train(**permuted(digits, folder))
    return folder / "model"


def test_random_labels_are_dealt_out_anew_and_what_was_memorised_is_counted(keras, digits, on_random_labels):
    told = files.read_json(on_random_labels / "training.json")
    labels = files.read_arrays(digits / "labels.npz")["train"]
    dealt = seeds.generator(1, "train", "permuted labels").permutation(labels)
    assert 0.05 < (dealt == labels).mean() < 0.15
    network = keras.models.load_model(on_random_labels / "model.keras")
    said = network.predict(np.load(digits / "x_train.npy"), verbose=0).argmax(1)
    assert told["memorised"] == pytest.approx((said == dealt).mean(), abs=1e-12)
    assert told["chance"] == np.bincount(labels).max() / len(labels)
    # Nothing that it learns helps with true labels.
    assert (said == labels).mean() < 0.25
    assert told["best_val_accuracy"] < 0.25


@pytest.mark.slow
def test_a_killed_training_on_random_labels_goes_on_with_the_same_labels(digits, on_random_labels, tmp_path):
    killed_after(1, given := permuted(digits, tmp_path))
    train(**given)
    one, other = (files.read_json(folder / "training.json") for folder in (tmp_path / "model", on_random_labels))
    assert one == other


@pytest.mark.parametrize(("epochs", "expected"), [("recipe", EPOCHS), (40, 40)])
def test_the_training_on_random_labels_has_epochs_and_a_seed_of_its_own(epochs, expected):
    assert random_labels.seed(1) not in (1, seeds.integer(1, "train", "initial weights"))
    # The best epoch is the one that has memorised most: validation cannot say it.
    recipe = random_labels.recipe({**RECIPE, "monitor": "val_accuracy"}, epochs)
    assert recipe == {**RECIPE, "epochs": expected, "monitor": "loss"}


def test_a_kill_between_two_writes_of_the_state_does_no_harm(digits, uninterrupted, tmp_path):
    # The next epoch's model is in place, but progress.json does not know of it yet.
    killed_after(3, given := arguments(digits, tmp_path), before=True)
    train(**given)
    assert weights(tmp_path) == weights(uninterrupted)


@pytest.mark.parametrize(
    "pattern",
    ["progress.json", *(pytest.param(f"{kind}-*.keras", marks=pytest.mark.slow) for kind in ("last", "best"))],
)
def test_a_damaged_checkpoint_is_told_and_not_used(digits, uninterrupted, stopped, tmp_path, caplog, pattern):
    shutil.copytree(stopped, tmp_path / "checkpoints")
    (state,) = (tmp_path / "checkpoints").iterdir()
    # The one that counts: those of the epoch before are not cleared away yet.
    path = max(state.glob(pattern))
    path.write_bytes(path.read_bytes()[:40])
    train(**arguments(digits, tmp_path))
    assert "cannot be read and is not used" in caplog.text
    assert weights(tmp_path) == weights(uninterrupted)


def digit_of_history(path):
    """The position of a digit of an epoch's accuracy."""
    content = path.read_bytes()
    return content.index(b'"accuracy": 0.') + len('"accuracy": 0.')


def moment_of_optimizer(path):
    """The position of a number that no answer of the network depends on."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        return path.read_bytes().index(weights["optimizer/vars/4"][:].tobytes()) + 100


@pytest.mark.parametrize(
    ("pattern", "position"), [("progress.json", digit_of_history), ("last-*.keras", moment_of_optimizer)]
)
def test_one_changed_byte_of_a_checkpoint_is_told_and_not_used(few_digits, tmp_path, caplog, pattern, position):
    killed_after(1, given := arguments(few_digits, tmp_path, epochs=2))
    (path,) = tmp_path.glob(f"checkpoints/*/{pattern}")
    content = bytearray(path.read_bytes())
    content[position(path)] ^= 1
    path.write_bytes(content)
    with caplog.at_level("INFO"):
        train(**given)
    assert "was damaged" in caplog.text
    assert "going on" not in caplog.text


@pytest.mark.slow
def test_without_the_checkpoints_it_starts_anew(digits, uninterrupted, tmp_path, caplog):
    killed_after(3, given := arguments(digits, tmp_path))
    shutil.rmtree(tmp_path / "checkpoints")
    with caplog.at_level("INFO"):
        train(**given)
    assert "going on" not in caplog.text
    assert "epoch 1/6" in caplog.text
    assert weights(tmp_path) == weights(uninterrupted)


@pytest.mark.slow
def test_another_recipe_takes_up_no_checkpoint(few_digits, tmp_path, caplog):
    killed_after(1, arguments(few_digits, tmp_path, epochs=2))
    with caplog.at_level("INFO"):
        train(**arguments(few_digits, tmp_path, epochs=2, learning_rate=0.001))
    assert "going on" not in caplog.text
    assert "epoch 1/2" in caplog.text


def test_another_seed_gives_other_weights(digits, uninterrupted, tmp_path):
    train(**arguments(digits, tmp_path, seed=2))
    assert weights(tmp_path) != weights(uninterrupted)


def test_checkpoints_are_gone_when_it_has_ended(uninterrupted):
    assert not (uninterrupted / "checkpoints").exists()


def test_keeps_the_epoch_with_the_best_validation_score(keras, digits, uninterrupted):
    import pandas as pd

    history = pd.read_csv(uninterrupted / "model" / "history.csv", index_col="epoch")
    training_info = files.read_json(uninterrupted / "model" / "training.json")
    assert list(history.columns) == list(COLUMNS)
    assert training_info["best_epoch"] == history["val_loss"].idxmin()
    model = keras.models.load_model(uninterrupted / "model" / "model.keras", compile=False)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.load(digits / "x_validation.npy"), files.read_arrays(digits / "labels.npz")["validation"]
    loss, accuracy = model.evaluate(x, y, verbose=0, batch_size=1024)
    assert loss == pytest.approx(training_info["best_val_loss"], rel=1e-5)
    assert accuracy == pytest.approx(training_info["best_val_accuracy"])
    assert accuracy > 0.5


def test_validation_in_batches_gives_the_scores_of_arrays_to_the_bit(keras, digits, uninterrupted, monkeypatch):
    from pellucid.train import batches as batching

    monkeypatch.setattr(batching, "_MOST_EXAMPLES", 100)
    weights = np.linspace(0.5, 2, 10, dtype=np.float32)
    batches = loaded(digits, 64, weights)[1]
    x, y = np.load(digits / "x_validation.npy"), files.read_arrays(digits / "labels.npz")["validation"]
    assert [len(batches[index][0]) for index in range(len(batches))] == [100, 100, 16]
    model = keras.models.load_model(uninterrupted / "model" / "model.keras", compile=False)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    streamed = model.evaluate(batches, verbose=0)
    assert streamed == model.evaluate(x, y, sample_weight=weights[y], batch_size=100, verbose=0)
    # Of large examples a batch has no more than a step of training.
    monkeypatch.setattr(batching, "_MOST_BYTES", x[:70].nbytes)
    assert loaded(digits, 64, weights)[1].size == 70
    assert loaded(digits, 80, weights)[1].size == 80


def test_balanced_weights_lift_a_rare_class(keras, digits, tmp_path):
    """Of class 0 nine in ten examples are taken away: weighing the classes must find more of what is left."""
    y = files.read_arrays(digits / "labels.npz")
    x = np.load(digits / "x_train.npy")
    kept = np.flatnonzero((y["train"] != 0) | (np.cumsum(y["train"] == 0) <= 12))
    for name in ("x_validation.npy", "measured.npz"):
        shutil.copy(digits / name, tmp_path)
    files.write_array(tmp_path / "x_train.npy", x[kept])
    files.write_arrays(tmp_path / "labels.npz", {**y, "train": y["train"][kept]})
    data_info = files.read_json(digits / "data.json")
    counts = np.bincount(y["train"][kept]).tolist()
    data_info["counts"]["train"] = dict(zip(data_info["classes"], counts, strict=True))
    files.write_json(tmp_path / "data.json", data_info)
    found = {}
    for choice in ("none", "balanced"):
        train(**arguments(tmp_path, tmp_path / choice, class_weights=choice, epochs=4))
        model = keras.models.load_model(tmp_path / choice / "model" / "model.keras", compile=False)
        zeros = np.load(digits / "x_test.npy")[y["test"] == 0]
        found[choice] = (model.predict(zeros, verbose=0).argmax(1) == 0).mean()
    assert found["balanced"] > found["none"]


def test_a_loss_that_is_no_number_ends_the_run(digits, tmp_path):
    from pellucid.errors import InputError

    with pytest.raises(
        InputError, match=r"training, epoch 1, step \d+: found a loss of (nan|inf).*Lower learning_rate"
    ):
        train(**arguments(digits, tmp_path, optimizer="sgd", learning_rate=1000))
    assert not (tmp_path / "model").exists()


def test_no_epochs_keep_the_weights_that_the_model_starts_from(keras, digits, tmp_path):
    from pellucid import seeds
    from pellucid.evaluate.run import evaluate
    from pellucid.models.digit_cnn import build

    train(**arguments(digits, tmp_path, epochs=0))
    keras.utils.set_random_seed(seeds.integer(1, "train", "initial weights"))
    built = build((8, 8, 1), 10)
    kept = keras.models.load_model(tmp_path / "model" / "model.keras")
    for own, other in zip(kept.get_weights(), built.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    assert (tmp_path / "model" / "history.csv").read_text() == ",".join(["epoch", *COLUMNS]) + "\n"
    training_info = files.read_json(tmp_path / "model" / "training.json")
    assert (training_info["epochs"], training_info["best_epoch"]) == (0, 0)
    assert not (tmp_path / "checkpoints").exists()
    tested = prepared.tested(digits)
    evaluate(**tested, model=tmp_path / "model" / "model.keras", threads=1, memory_mb=256, folder=tmp_path)
    assert files.read_json(tmp_path / "metrics.json")["test_examples"] == 359


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("attention_lstm", {"filters": 8, "units": 8}), ("mil_cnn", {"filters": 4, "units": 8, "window": 20})],
)
def test_networks_that_are_no_plain_stack_go_on_after_a_kill_as_well(tmp_path, name, parameters):
    split = {"test": 0.2, "validation": 0.25}
    data = prepared.prepare(tmp_path / "data", {"source": "synthetic_series", "per_class": 10}, split=split)
    model, recipe = {"architecture": name, **parameters}, {"epochs": 4, "batch_size": 8}
    whole, killed = (prepared.arguments(data, tmp_path / which, model, recipe) for which in ("whole", "killed"))
    train(**whole)
    killed_after(2, killed)
    train(**killed)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


@pytest.mark.slow
def test_the_seconds_of_a_training_include_those_before_a_kill(few_digits, tmp_path):
    killed_after(1, given := arguments(few_digits, tmp_path, epochs=2, batch_size=128))
    (state,) = (tmp_path / "checkpoints").iterdir()
    before = files.read_json(state / "progress.json")["seconds"]
    assert before > 0
    started = time.perf_counter()
    train(**given)
    passed = time.perf_counter() - started
    cost = files.read_json(tmp_path / "model" / "cost.json")
    assert cost["epochs"] == 2
    assert before < cost["seconds"] <= before + passed + 0.01


def random_layers(keras, shape, classes):
    """Every way in which a layer holds random numbers: its own, those of its cell, of layers inside it, of a model."""
    layers = keras.layers
    image = keras.Input(shape)
    hidden = layers.RandomTranslation(0.2, 0.2, name="move")(layers.RandomFlip(name="flip")(image))
    inside = keras.Input(shape)
    noisy = keras.Model(inside, layers.GaussianNoise(0.2, name="noise")(inside), name="noisy")
    hidden = layers.Reshape((8, 8))(noisy(hidden))
    hidden = layers.Bidirectional(layers.SimpleRNN(4, dropout=0.3, return_sequences=True), name="both")(hidden)
    hidden = layers.TimeDistributed(layers.Dropout(0.3), name="each")(hidden)
    return keras.Model(image, layers.Dense(classes, activation="softmax")(layers.Flatten()(hidden)))


@pytest.mark.slow
def test_random_layers_draw_the_same_numbers_after_a_kill(keras, few_digits, tmp_path):
    random_layers(keras, (8, 8, 1), 10).save(tmp_path / "own.keras")
    entry = {"architecture": "keras_file", "file": str(tmp_path / "own.keras"), "file_sha256": "none"}
    paths = {"file": str(tmp_path / "own.keras")}
    recipe = {"epochs": 2, "batch_size": 128}
    once, killed = (
        prepared.arguments(few_digits, tmp_path / name, entry, recipe, paths=paths) for name in ("once", "killed")
    )
    train(**once)
    killed_after(1, killed)
    train(**killed)
    assert weights(tmp_path / "killed") == weights(tmp_path / "once")


def test_a_loaded_checkpoint_that_is_another_function_is_told(few_digits, tmp_path, caplog):
    killed_after(1, given := arguments(few_digits, tmp_path, epochs=2, batch_size=128))
    (state,) = (tmp_path / "checkpoints").iterdir()
    progress = files.read_json(state / "progress.json")
    del progress["digest"]
    progress["last_scores"][0][0] += 1
    files.write_json(state / "progress.json", {**progress, "digest": files.digest(progress)})
    train(**given)
    assert "saving and loading its last epoch" in caplog.text


FOUR = {"epochs": 4, "batch_size": 128}
# Every setting that has a state, or could have one: each must come back after a kill as it was.
RESUMED = {
    "everything": {
        **FOUR,
        "optimizer": "adamw",
        "weight_decay": 0.05,
        "schedule": "cosine",
        "warmup_epochs": 1,
        "reduce_on_plateau": {"patience": 1, "factor": 0.5},
        "early_stopping": {"patience": 3},
        "loss": "focal",
        "label_smoothing": 0.1,
        "class_weights": "sqrt",
        "augmentation": {"shift": 1, "rotation": 10, "brightness": 0.1, "jitter": 0.1},
        "monitor": "val_balanced_accuracy",
    },
    "sgd": {
        **FOUR,
        "optimizer": "sgd",
        "momentum": 0.9,
        "weight_decay": 0.01,
        "schedule": "step",
        "step": {"epochs": 2},
    },
    "bfloat16": {**FOUR, "precision": "mixed_bfloat16"},
}


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory):
    """Digits by the third: enough for a state, and quickly learnt."""
    return prepared.prepare(tmp_path_factory.mktemp("few"), split={"test": 0.7, "validation": 0.3})


@pytest.fixture(scope="module")
def whole(few_digits, tmp_path_factory):
    """A function: the folder of the training by a recipe of `RESUMED` where nothing stops it, done once."""

    @functools.cache
    def done(name):
        folder = tmp_path_factory.mktemp(name)
        train(**arguments(few_digits, folder, **RESUMED[name]))
        return folder

    return done


@pytest.mark.parametrize(
    "name", ["everything", *(pytest.param(name, marks=pytest.mark.slow) for name in ("sgd", "bfloat16"))]
)
def test_every_setting_goes_on_after_a_kill_as_if_there_had_been_none(few_digits, whole, tmp_path, name):
    killed_after(2, given := arguments(few_digits, tmp_path, **RESUMED[name]))
    train(**given)
    for file in ("history.csv", "training.json"):
        assert (tmp_path / "model" / file).read_bytes() == (whole(name) / "model" / file).read_bytes()


def test_what_was_trained_in_bfloat16_is_explained_in_float32(keras, few_digits, whole):
    from pellucid.network.explained_model import ExplainedModel

    model = whole("bfloat16") / "model" / "model.keras"
    kept = keras.models.load_model(model)
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}
    explained_model = ExplainedModel.load(model)
    x = np.load(few_digits / "x_test.npy")[:4]
    gradient = explained_model.gradient(x, np.arange(4))
    assert gradient.dtype == np.float32
    # Of a network in bfloat16, every number would have its 16 lower bits at zero.
    assert (gradient.view(np.uint32) & 0xFFFF).any()


def test_it_ends_early_and_says_so_and_a_kill_at_the_end_adds_nothing(few_digits, tmp_path):
    # No step at all: the first epoch stays the best, and two more are waited for.
    recipe = {"epochs": 9, "learning_rate": 1e-30, "early_stopping": {"patience": 2}, "monitor": "val_accuracy"}
    killed_after(3, given := arguments(few_digits, tmp_path, **recipe))
    train(**given)
    training_info = files.read_json(tmp_path / "model" / "training.json")
    assert (training_info["epochs"], training_info["best_epoch"], training_info["ended_by"]) == (3, 1, "early_stopping")
    assert len((tmp_path / "model" / "history.csv").read_text().splitlines()) == 4


@pytest.mark.slow
def test_the_learning_rate_of_every_epoch_is_recorded(few_digits, tmp_path):
    import pandas as pd

    given = {"epochs": 4, "learning_rate": 0.01, "schedule": "step", "step": {"epochs": 1, "factor": 0.5}}
    train(**arguments(few_digits, tmp_path, **given))
    history = pd.read_csv(tmp_path / "model" / "history.csv")
    np.testing.assert_allclose(history["learning_rate"], [0.01, 0.005, 0.0025, 0.00125])
    assert files.read_json(tmp_path / "model" / "training.json")["ended_by"] == "epochs"


def test_augmentation_changes_the_training_and_not_the_validation(few_digits, tmp_path):
    """Of a network that does not learn, the validation scores are the same with it and without."""
    import pandas as pd

    found = {}
    for name, augmentation in (("plain", {}), ("augmented", {"jitter": 1.0, "shift": 3})):
        recipe = {"epochs": 1, "learning_rate": 1e-30, "augmentation": augmentation}
        train(**arguments(few_digits, tmp_path / name, **recipe))
        found[name] = pd.read_csv(tmp_path / name / "model" / "history.csv").iloc[0]
    assert found["plain"]["val_loss"] == found["augmented"]["val_loss"]
    assert found["plain"]["loss"] != found["augmented"]["loss"]


def test_a_shift_longer_than_the_image_ends_the_run_before_it_begins(few_digits, tmp_path):
    from pellucid.errors import InputError

    with pytest.raises(InputError, match=r"augmentation.shift: found 8 for examples of shape 8 × 8 × 1"):
        train(**arguments(few_digits, tmp_path, augmentation={"shift": 8}))
    assert list(tmp_path.iterdir()) == []
