"""Learning rates and the end of a training, against closed forms and against Keras' own callbacks."""

import math

import numpy as np
import pytest

from pellucid.config.training_keys import TrainingSettings
from pellucid.train import schedule
from pellucid.train.checkpoints import Progress

STEPS = 7


def rates(history=(), **settings):
    training = TrainingSettings.of({"epochs": 10, "learning_rate": 0.5, **settings})
    return [schedule.learning_rate(training, step, STEPS, history) for step in range(10 * STEPS)]


def test_constant_is_constant():
    assert set(rates()) == {0.5}


def test_cosine_as_keras_has_it(keras):
    own = keras.optimizers.schedules.CosineDecay(0.5, 10 * STEPS)
    np.testing.assert_allclose(rates(schedule="cosine"), [float(own(step)) for step in range(10 * STEPS)], atol=1e-7)


def test_warmup_rises_step_by_step_and_cosine_falls_from_there_to_the_end():
    found = rates(schedule="cosine", warmup_epochs=2)
    np.testing.assert_allclose(found[: 2 * STEPS], 0.5 * np.arange(1, 2 * STEPS + 1) / (2 * STEPS))
    assert found[2 * STEPS] == 0.5
    middle = 6 * STEPS  # half-way between the end of the warm-up and the end
    assert found[middle] == pytest.approx(0.25)
    assert found[-1] == pytest.approx(0.25 * (1 + math.cos(math.pi * (1 - 1 / (8 * STEPS)))))


def test_steps_come_after_whole_epochs():
    found = np.reshape(rates(schedule="step", step={"epochs": 3, "factor": 0.5}), (10, STEPS))
    np.testing.assert_allclose(found, np.repeat([[0.5], [0.25], [0.125], [0.0625]], [3, 3, 3, 1], 0) + np.zeros(STEPS))


HISTORIES = [np.random.default_rng(seed).random(30).round(1) for seed in range(20)]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_plateaus_and_the_end_are_those_of_keras_callbacks(keras, monitor, patience):
    mode = "min" if monitor == "val_loss" else "max"
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), "mse")
    for values in HISTORIES:
        model.optimizer.learning_rate = 1.0
        plateau = keras.callbacks.ReduceLROnPlateau(monitor, 0.5, patience, mode=mode, min_delta=0)
        stopping = keras.callbacks.EarlyStopping(monitor, 0, patience, mode=mode)
        for callback in (plateau, stopping):
            callback.set_model(model)
            callback.on_train_begin()
        training = TrainingSettings.of(
            {"learning_rate": 1.0, "monitor": monitor, "reduce_on_plateau": {"patience": patience, "factor": 0.5}}
        )
        history = []
        model.stop_training = False
        for epoch, value in enumerate(values):
            history.append({monitor: value})
            for callback in (plateau, stopping):
                callback.on_epoch_end(epoch, {monitor: value})
            assert schedule.learning_rate(training, 0, 1, history) == float(model.optimizer.learning_rate)
            assert schedule.should_stop(history, monitor, patience) == model.stop_training
            if model.stop_training:
                break


def test_without_patience_nothing_is_reduced_and_nothing_ends():
    history = [{"val_loss": 1.0}] * 50
    assert rates(history) == rates()
    assert not schedule.should_stop(history, "val_loss", 0)


@pytest.mark.parametrize(("losses", "expected"), [([1.0], True), ([1.0, 1.0], False), ([1.0, 0.9], True)])
def test_of_equal_epochs_the_first_is_the_best(losses, expected):
    progress = Progress(history=[{"val_loss": loss} for loss in losses])
    assert progress.last_is_best("val_loss") == expected
