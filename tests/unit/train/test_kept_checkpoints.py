"""The weights that a training keeps: after which epochs, with which learning rates, and the same bytes after a kill."""

import shutil

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from pellucid.config.training_checks import complete
from pellucid.config.training_keys import TrainingSettings
from pellucid.errors import InputError
from pellucid.network import checkpoint_weights
from pellucid.train import checkpoint_store, random_labels
from pellucid.train.run import train
from tests.support import prepared
from tests.unit.train.test_checkpoint_store import ADDRESS, Client
from tests.unit.train.test_run import killed_after

# TensorFlow starts as the workflow starts it, before any function here imports Keras.
pytestmark = pytest.mark.usefixtures("keras")
MODEL = {"architecture": "digit_cnn", "dropout": 0.25}
# After the fifth epoch no step is taken any more: of equal epochs the first is the best.
RECIPE = {"epochs": 7, "batch_size": 64, "learning_rate": 0.002}
RECIPE |= {"schedule": "step", "step": {"epochs": 5, "factor": 1e-30}}


@pytest.fixture(scope="module")
def few_digits(tmp_path_factory):
    return prepared.prepare(tmp_path_factory.mktemp("few"), split={"test": 0.7, "validation": 0.3})


def arguments(data, folder, kept):
    return prepared.arguments(data, folder, MODEL, RECIPE | {"kept_checkpoints": kept})


@pytest.fixture(scope="module")
def whole(few_digits, tmp_path_factory):
    """The results of a training that keeps three and that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    train(**arguments(few_digits, folder, 3))
    return folder / "model"


@pytest.mark.parametrize(
    ("epochs", "kept", "expected"),
    [(20, 5, [4, 8, 12, 16, 20]), (7, 3, [2, 4, 7]), (3, 10, [1, 2, 3]), (20, 1, [20]), (20, 0, []), (0, 4, [])],
)
def test_kept_epochs_are_spread_evenly_and_end_with_the_last(epochs, kept, expected):
    assert TrainingSettings.of({"epochs": epochs, "kept_checkpoints": kept}).kept_epochs() == expected


def test_a_training_that_keeps_none_is_known_by_the_settings_that_it_always_had():
    assert "kept_checkpoints" not in TrainingSettings.of(complete(RECIPE)).plain()
    assert TrainingSettings.of(complete(RECIPE | {"kept_checkpoints": 0})).plain() == complete(RECIPE)
    # Of the model of random labels there is no view.
    assert random_labels.recipe(RECIPE | {"kept_checkpoints": 3}, "recipe") == random_labels.recipe(RECIPE, "recipe")


@pytest.mark.slow
def test_what_is_kept_changes_nothing_else(few_digits, whole, tmp_path):
    (tmp_path / "model").mkdir()
    shutil.copy(whole / "checkpoints.npz", tmp_path / "model")
    # What an earlier training has kept is not of the new model.
    train(**arguments(few_digits, tmp_path, 0))
    without, with_kept = ({path.name for path in folder.iterdir()} for folder in (tmp_path / "model", whole))
    assert with_kept - without == {"checkpoints.npz"}
    for name in ("history.csv", "training.json"):
        assert (tmp_path / "model" / name).read_bytes() == (whole / name).read_bytes()


def test_the_best_epoch_is_the_last_and_each_has_the_learning_rates_of_its_epochs(keras, whole):
    history = pd.read_csv(whole / "history.csv")
    best = files.read_json(whole / "training.json")["best_epoch"]
    assert (best, len(history)) == (5, 7)
    found = checkpoint_weights.read(whole / "checkpoints.npz")
    # Of 2, 4 and 7 the last is not on the way to the model.
    assert [checkpoint.epoch for checkpoint in found] == [2, 4, 5]
    assert [checkpoint.learning_rate for checkpoint in found] == pytest.approx([0.004, 0.004, 0.002], rel=1e-12)
    model = keras.models.load_model(whole / "model.keras", compile=False)
    for layer, weights in found[-1].weights.items():
        for one, other in zip(weights, model.get_layer(layer).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_kept_weights_give_the_scores_of_their_epoch(keras, few_digits, whole):
    history = pd.read_csv(whole / "history.csv")
    model = keras.models.load_model(whole / "model.keras", compile=False)
    x, y = np.load(few_digits / "x_validation.npy"), files.read_arrays(few_digits / "labels.npz")["validation"]
    for checkpoint in checkpoint_weights.read(whole / "checkpoints.npz"):
        for layer, weights in checkpoint.weights.items():
            model.get_layer(layer).set_weights(weights)
        probabilities = model.predict(x, verbose=0)[np.arange(len(y)), y]
        loss = history["val_loss"][checkpoint.epoch - 1]
        assert -np.log(probabilities).mean() == pytest.approx(loss, rel=1e-4)


def test_a_killed_training_keeps_those_of_before_the_kill(few_digits, whole, tmp_path, monkeypatch):
    """After the third of seven epochs; it goes on on a machine that has nothing but what was uploaded."""
    client = Client()
    monkeypatch.setattr(checkpoint_store, "_client", lambda: client)
    # However slow this machine is, every epoch is uploaded.
    monkeypatch.setattr(checkpoint_store, "_SHARE", 1e9)
    given = arguments(few_digits, tmp_path, 3) | {"checkpoint_store": ADDRESS}
    killed_after(4, given, before=True)
    (state,) = (tmp_path / "checkpoints").iterdir()
    # The file of the fourth epoch is in place, but progress.json does not know of it.
    assert sorted(path.name for path in state.glob("kept-*")) == ["kept-00002.npz", "kept-00004.npz"]
    shutil.rmtree(tmp_path / "checkpoints")
    train(**given)
    for name in ("checkpoints.npz", "training.json", "history.csv"):
        assert (tmp_path / "model" / name).read_bytes() == (whole / name).read_bytes()


def test_layers_of_one_name_cannot_be_told_apart(keras):
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="twice")], name="inner")
    outer = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="twice"), inner])
    with pytest.raises(InputError, match=r'kept_checkpoints: found a model with two layers that are called "twice"'):
        checkpoint_weights.require(outer)
    checkpoint_weights.require(keras.Sequential([keras.Input((4,)), inner]))
