"""Training on several labels and on values: losses, scores, the scale of values, and a kill in between."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pellucid import files
from pellucid.config.training_keys import TrainingSettings
from pellucid.errors import InputError
from pellucid.network import checkpoint_weights
from pellucid.train import random_labels, value_head
from pellucid.train.compile import make_loss
from pellucid.train.objective import Objective
from pellucid.train.run import train
from tests.support import prepared
from tests.unit.train.test_run import killed_after

# TensorFlow starts as the workflow starts it, before any function here imports Keras.
pytestmark = pytest.mark.usefixtures("keras")

MODEL = {"architecture": "gap_cnn", "filters": [6, 6], "kernels": [3, 3], "batch_norm_momentum": 0.5}
RECIPES = {
    "multi_label": {"monitor": "val_macro_auroc", "class_weights": "balanced"},
    "regression": {"monitor": "val_mae", "loss": "huber"},
}
TASKS = list(RECIPES)
UNIT = Objective("regression", "mse", means=(70.0, -2.0), deviations=(3.0, 0.5))


def recipe(task, **changes):
    return {"epochs": 4, "batch_size": 16, "learning_rate": 0.02, **RECIPES[task], **changes}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folders of prepared series, by task: a label or a value is where and how strong a bump is."""
    folder, rng = tmp_path_factory.mktemp("tasks"), np.random.default_rng(0)
    present = rng.random((160, 2)) < 0.5
    x = rng.normal(0, 0.2, (160, 24))
    x[:, 4:7] += present[:, :1] * [1, 2, 1]
    x[:, 12:15] -= present[:, 1:] * [1, 2, 1]
    for task, y in (("multi_label", present), ("regression", 70 + 3 * x[:, 4:7].sum(1))):
        file = str(folder / f"{task}.npz")
        np.savez(file, x=x, y=y)
        entry = {"source": "table", "file": file, "task": task, "file_sha256": "none"}
        prepared.prepare(folder / task, entry, paths={"file": file})
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Folders of trained models, by task."""
    folder = tmp_path_factory.mktemp("trained")
    for task in TASKS:
        prepared.fit(data / task, folder / task, MODEL, recipe(task, epochs=12, kept_checkpoints=4))
    return folder


def model_of(folder):
    import keras

    return keras.models.load_model(folder / "model" / "model.keras", compile=False)


def examples(folder, split):
    x, y = np.load(folder / f"x_{split}.npy"), files.read_arrays(folder / "labels.npz")[split]
    return x, y.astype(np.float64)


def test_labels_are_learnt_and_the_written_score_is_that_of_the_written_model(data, trained):
    import keras

    model, info = (
        model_of(trained / "multi_label"),
        files.read_json(trained / "multi_label" / "model" / "training.json"),
    )
    assert (info["task"], info["loss"], info["monitor"]) == ("multi_label", "crossentropy", "val_macro_auroc")
    assert model.layers[-1].activation is keras.activations.sigmoid
    x, y = examples(data / "multi_label", "validation")
    answers = np.asarray(model(x))
    assert info["best_val_macro_auroc"] == pytest.approx(roc_auc_score(y, answers, average="macro"), abs=1e-6)
    assert info["best_val_label_accuracy"] == pytest.approx(((answers >= 0.5) == y).mean(), abs=1e-6)
    x, y = examples(data / "multi_label", "test")
    assert roc_auc_score(y, np.asarray(model(x))) > 0.9


def test_values_come_in_the_unit_of_the_data(data, trained):
    import keras

    model, info = model_of(trained / "regression"), files.read_json(trained / "regression" / "model" / "training.json")
    assert (info["task"], info["loss"]) == ("regression", "huber")
    assert model.layers[-1].activation is keras.activations.linear
    x, y = examples(data / "regression", "validation")
    assert info["best_val_mae"] == pytest.approx(np.abs(np.asarray(model(x)) - y).mean(), rel=1e-4)
    x, y = examples(data / "regression", "test")
    assert np.abs(np.asarray(model(x)) - y).mean() < 0.6 * np.abs(y - y.mean()).mean()
    header = (trained / "regression" / "model" / "history.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,mae,val_loss,val_mae,learning_rate"


def test_weights_that_were_kept_give_values_in_the_unit_of_the_data(data, trained):
    here = trained / "regression"
    model, (x, y) = model_of(here), examples(data / "regression", "validation")
    history = pd.read_csv(here / "model" / "history.csv")
    kept = checkpoint_weights.read(here / "model" / "checkpoints.npz")
    assert len(kept) > 1
    for checkpoint in kept:
        for layer, weights in checkpoint.weights.items():
            model.get_layer(layer).set_weights(weights)
        error = np.abs(np.asarray(model(x)) - y).mean()
        assert error == pytest.approx(history["val_mae"][checkpoint.epoch - 1], rel=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_a_killed_training_ends_with_equal_weights(data, tmp_path, task):
    whole = prepared.fit(data / task, tmp_path / "whole", MODEL, recipe(task))
    given = prepared.arguments(data / task, tmp_path / "killed", MODEL, recipe(task))
    killed_after(2, given)
    train(**given)
    assert files.read_json(tmp_path / "killed/model/training.json")["weights_digest"] == whole["weights_digest"]


@pytest.mark.parametrize("task", TASKS)
def test_on_random_labels_it_says_how_much_was_memorised(data, tmp_path, task):
    info = prepared.fit(data / task, tmp_path, MODEL, recipe(task, monitor="loss"), permuted=True)
    _, y = examples(data / task, "train")
    chance = np.maximum(y.mean(0), 1 - y.mean(0)).mean() if task == "multi_label" else 0
    assert info["chance"] == pytest.approx(chance)
    assert 0 <= info["memorised"] <= 1


class Fixed:
    """Stands for a model, or for batches, of known answers."""

    def __init__(self, y):
        self.y, self.order = y, np.arange(len(y))

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return (self.y,)

    def predict_on_batch(self, x):
        return x


def test_what_is_memorised_is_r2_and_the_share_of_right_answers():
    y = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    full, half = Fixed(y), Fixed(y)
    half.predict_on_batch = lambda x: x.mean(0) + (x - x.mean(0)) / 2
    # Half of the deviation leaves a quarter of the variance.
    assert random_labels.memorised_share(full, full, "regression")["memorised"] == pytest.approx(1)
    assert random_labels.memorised_share(half, half, "regression")["memorised"] == pytest.approx(0.75, abs=1e-6)
    answers = (y > 0.5).astype(np.float32)
    wrong = Fixed(answers)
    wrong.predict_on_batch = lambda x: np.concatenate([1 - x[:10], x[10:]])
    assert random_labels.memorised_share(wrong, wrong, "multi_label")["memorised"] == pytest.approx(0.75)


def dense(outputs=2, **settings):
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.Input((5, 1)), keras.layers.Flatten(), keras.layers.Dense(outputs, **settings)]
    return keras.Sequential(layers)


def test_the_scale_of_values_goes_into_the_last_layer():
    model, x = dense(), np.random.default_rng(0).normal(size=(9, 5, 1)).astype(np.float32)
    before = np.asarray(model(x), np.float64)
    value_head.to_unit(model, UNIT)
    np.testing.assert_allclose(np.asarray(model(x)), before * UNIT.deviations + UNIT.means, rtol=1e-5)
    value_head.to_standard(model, UNIT)
    np.testing.assert_allclose(np.asarray(model(x)), before, atol=1e-4)
    assert [layer.__class__.__name__ for layer in model.layers] == ["Flatten", "Dense"]


def test_a_model_of_values_from_elsewhere_is_fitted_on_from_where_it_stands(data, trained, tmp_path):
    file = trained / "regression" / "model" / "model.keras"
    entry = {"architecture": "keras_file", "file": str(file), "file_sha256": "none"}
    # Steps that change nothing: what comes out went through both changes of unit.
    brief = {"epochs": 1, "batch_size": 64, "learning_rate": 1e-9, "optimizer": "sgd"}
    prepared.fit(data / "regression", tmp_path, entry, brief, paths={"file": str(file)})
    x, _ = examples(data / "regression", "test")
    before, after = (np.asarray(model(x)) for model in (model_of(trained / "regression"), model_of(tmp_path)))
    # The running means of the normalisations move a little.
    np.testing.assert_allclose(after, before, atol=0.2 * before.std())
    assert np.abs(after - before).max() > 0


@pytest.mark.parametrize("settings", [{"use_bias": False}, {"activation": "relu"}])
def test_a_last_layer_that_cannot_take_the_scale_is_refused(settings):
    with pytest.raises(
        InputError, match=r"\(Dense\) at the end; expected a dense layer with a bias and without an act"
    ):
        value_head.require(dense(**settings), "mine.keras")


def test_targets_are_standardised_by_the_training_examples():
    from pellucid.train.target_losses import AbsoluteError

    y = np.array([[70, -2], [73, -1.5]], np.float32)
    np.testing.assert_array_equal(UNIT.fitted(y), np.array([[0, 0], [1, 1]], np.float32))
    error = AbsoluteError(UNIT.deviations)
    error.update_state(UNIT.fitted(y), np.zeros((2, 2), np.float32))
    assert float(error.result()) == pytest.approx((0 + 0 + 3 + 0.5) / 4)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_losses_of_values_are_those_of_their_names(loss):
    import keras

    difference = np.array([[0.5], [-3.0]])
    expected = {
        "mse": np.square(difference),
        "mae": np.abs(difference),
        "huber": np.where(np.abs(difference) < 1, difference**2 / 2, np.abs(difference) - 0.5),
    }
    made = keras.losses.get(make_loss(TrainingSettings.of({"loss": loss}), Objective("regression", loss)))
    answer = made(np.zeros((2, 1), np.float32), difference.astype(np.float32))
    assert float(np.mean(answer)) == pytest.approx(expected[loss].mean())


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("loss", ["crossentropy", "focal"])
def test_losses_of_labels_are_those_of_keras(loss, smoothing):
    import keras

    rng = np.random.default_rng(0)
    y, p = (rng.random((30, 4)) < 0.4).astype(np.float32), rng.uniform(0.02, 0.98, (30, 4)).astype(np.float32)
    settings = TrainingSettings.of({"loss": loss, "label_smoothing": smoothing, "focal_gamma": 1.5})
    made = make_loss(settings, Objective("multi_label", loss))
    if loss == "focal":
        theirs = keras.losses.binary_focal_crossentropy(y, p, gamma=1.5, label_smoothing=smoothing)
    else:
        theirs = keras.losses.binary_crossentropy(y, p, label_smoothing=smoothing)
    np.testing.assert_allclose(made.call(y, p), theirs, rtol=1e-5)


def test_positive_weights_count_examples_with_the_label_more_often():
    info = {"task": "multi_label", "counts": {"train": {"a": 10, "b": 50}}, "examples": {"train": 100}}
    objectives = {
        choice: Objective.of(TrainingSettings.of({"class_weights": choice}), info)
        for choice in ("none", "sqrt", "balanced")
    }
    assert objectives["none"].positive_weights == ()
    assert objectives["balanced"].positive_weights == (9.0, 1.0)
    assert objectives["sqrt"].positive_weights == (3.0, 1.0)
    p = np.array([[0.3, 0.8]], np.float32)
    made = make_loss(TrainingSettings.of({}), objectives["balanced"])
    both = -(9 * np.log(0.3) + np.log(0.8)) / 2
    assert float(made.call(np.ones((1, 2)), p)[0]) == pytest.approx(both, rel=1e-5)
    neither = -(np.log(0.7) + np.log(0.2)) / 2
    assert float(made.call(np.zeros((1, 2)), p)[0]) == pytest.approx(neither, rel=1e-5)


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    from pellucid.train.target_losses import macro_auroc

    rng = np.random.default_rng(0)
    y, scores = rng.random((200, 3)) < [0.1, 0.5, 0.9], rng.integers(0, 6, (200, 3)) / 5
    assert macro_auroc(y, scores) == pytest.approx(roc_auc_score(y, scores, average="macro"))
    # A label that all examples have says nothing.
    y[:, 0] = True
    assert macro_auroc(y, scores) == pytest.approx(roc_auc_score(y[:, 1:], scores[:, 1:], average="macro"))
    assert np.isnan(macro_auroc(y[:, :1], scores[:, :1]))
