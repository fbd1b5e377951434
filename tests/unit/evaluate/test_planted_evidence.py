"""What a model says with and without the evidence, on linear models of which it is known where they look."""

import logging

import numpy as np
import pytest

from pellucid import files
from pellucid.errors import InputError
from pellucid.evaluate.frequency_evidence import FILLS, fills, strongest_others
from pellucid.evaluate.planted_evidence import accuracies, chance, elsewhere, measure, needed, read, run, too_few
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import ScoreContext
from tests.support import prepared

SHAPE, CLASSES = (12, 3), ["a", "NA", "c"]
SEEN = ((2, 1), (3, 1), (4, 1))  # the cell that each class's logit reads


@pytest.fixture(scope="module")
def reader(keras):
    """A model whose logits are five times three cells of its input: the largest of them is the class."""
    model = keras.Sequential(
        [keras.layers.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )
    weights = np.zeros((*SHAPE, 3), np.float32)
    for label, cell in enumerate(SEEN):
        weights[(*cell, label)] = 5
    model.layers[-1].set_weights([weights.reshape(-1, 3), np.zeros(3, np.float32)])
    return model


def case_of(model, number=400, first=2, channel=1, **explained_model):
    """Examples with three values from a place on marked as evidence: that of the model, or another."""
    inputs, training = np.random.default_rng(3).normal(size=(2, number, *SHAPE)).astype(np.float32)
    truth = np.zeros(inputs.shape, bool)
    truth[:, first : first + 3, channel] = True
    labels, others = (np.stack([x[:, *cell] for cell in SEEN], 1).argmax(1) for x in (inputs, training))
    return ScoreContext(
        data_info={"kind": "series", "classes": CLASSES},
        inputs=inputs,
        targets=labels,
        labels=labels,
        truth=truth,
        model=ExplainedModel(model, **explained_model),
        training=training,
        training_labels=others,
        seed=4,
    )


def mean(table, part, fill, metric="accuracy", name="all"):
    chosen = table[(table[["part", "fill", "metric", "class"]] == [part, fill, metric, name]).all(1)]
    assert len(chosen) == 1
    return chosen["mean"].item()


def test_a_model_that_reads_the_evidence_alone(reader):
    case = case_of(reader)
    table = measure(case)
    assert mean(table, "whole", "none") == 1
    for fill, (whole, without, only, control) in accuracies(table).items():
        assert (whole, only, control) == (1, 1, 1), fill
        for part in ("only", "control"):
            kept = mean(table, part, fill, "probability")
            assert kept == pytest.approx(mean(table, "whole", "none", "probability"), abs=1e-6)
        assert without < 0.45, fill
    assert list(accuracies(table)) == ["mean", "noise", "linear", "other"]
    assert needed(table) == dict.fromkeys(accuracies(table), True)
    # Three equal logits: the first class is the answer, with a third.
    first = float(np.mean(case.labels == 0))
    assert mean(table, "without", "mean") == pytest.approx(first)
    assert mean(table, "without", "mean", name="a") == 1
    assert mean(table, "without", "mean", name="c") == 0
    assert mean(table, "without", "mean", "probability") == pytest.approx(1 / 3, abs=1e-6)
    # On a straight line the largest is one of the ends; with another class's values it is never the own class.
    answer = np.where(case.inputs[:, 5, 1] > case.inputs[:, 1, 1], 2, 0)
    assert mean(table, "without", "linear") == pytest.approx(np.mean(answer == case.labels))
    assert mean(table, "without", "other") == 0
    assert mean(table, "whole", "none", "share") == pytest.approx(3 / 36)
    assert mean(table, "control", "none", "overlap") == 0


def test_a_model_that_reads_elsewhere_does_not_need_it(reader):
    table = measure(case_of(reader, first=8, channel=2))
    for fill, (whole, without, only, _) in accuracies(table).items():
        assert (whole, without) == (1, 1), fill
        assert only < 0.45, fill
    assert needed(table) == dict.fromkeys(accuracies(table), False)


def test_nothing_is_said_of_too_few_recordings(reader):
    case = case_of(reader)
    few = measure(case, np.array([f"recording {number % 4}" for number in range(len(case.inputs))]))
    assert needed(few) == {}
    assert "from 4 groups" in too_few(few)
    enough = measure(case, np.array([f"recording {number // 2}" for number in range(len(case.inputs))]))
    assert needed(enough) == dict.fromkeys(accuracies(enough), True)


def test_of_a_model_at_chance_nothing_can_be_told(keras):
    model = keras.Sequential(
        [
            keras.layers.Input(SHAPE),
            keras.layers.Flatten(),
            keras.layers.Dense(3, "softmax", kernel_initializer="zeros"),
        ]
    )
    table = measure(case_of(model))
    assert mean(table, "whole", "none") <= chance(table) < 0.4
    assert needed(table) == dict.fromkeys(accuracies(table))


def test_of_each_class_it_is_the_recall(reader):
    from sklearn.metrics import recall_score

    case = case_of(reader, number=90)
    labels = np.random.default_rng(0).integers(0, 3, 90)
    table = measure(ScoreContext(**{**vars(case), "labels": labels, "targets": labels}))
    expected = recall_score(labels, case.labels, average=None)
    assert [mean(table, "whole", "none", name=name) for name in CLASSES] == pytest.approx(list(expected))
    assert chance(table) == np.bincount(labels).max() / 90
    rows = table[(table["metric"] == "accuracy") & (table["part"] == "whole")]
    assert rows["examples"].tolist() == [90, *np.bincount(labels)]
    assert (rows["low"] < rows["mean"]).all()
    assert (rows["mean"] < rows["high"]).all()


def test_neither_batches_nor_order_count(reader):
    case = case_of(reader, number=60)
    one, batches = measure(case), measure(case_of(reader, number=60, batch_size=7))
    numbers = ["mean", "low", "high"]
    np.testing.assert_allclose(one[numbers], batches[numbers], atol=1e-6)
    order = np.random.default_rng(1).permutation(60)
    changed = {name: getattr(case, name)[order] for name in ("inputs", "targets", "labels", "truth")}
    np.testing.assert_allclose(measure(ScoreContext(**{**vars(case), **changed}))["mean"], one["mean"], atol=1e-6)


def test_examples_without_evidence_are_left_out(reader):
    case = case_of(reader, number=50)
    case.truth[::2] = False
    table = measure(case)
    assert table.loc[table["class"] == "all", "examples"].eq(25).all()
    assert mean(table, "whole", "none", "share") == pytest.approx(3 / 36)
    case.truth[:] = False
    with pytest.raises(InputError, match="truth of the test examples: found no value"):
        measure(case)


def test_images_have_no_line_to_be_drawn(keras):
    model = keras.Sequential(
        [keras.layers.Input((6, 5, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    )
    rng = np.random.default_rng(0)
    truth = np.zeros((20, 6, 5, 1), bool)
    truth[:, 1:3, 1:3] = True
    inputs, labels = rng.normal(size=truth.shape).astype(np.float32), np.arange(20) % 2
    data_info = {"kind": "image", "classes": ["a", "b"]}
    case = ScoreContext(data_info, inputs, labels, labels, truth, ExplainedModel(model), inputs, labels)
    assert list(accuracies(measure(case))) == ["mean", "noise", "other"]


def moved_one(mask, seed=0):
    inputs = np.random.default_rng(seed).normal(size=mask.shape).astype(np.float32)
    return elsewhere(mask[np.newaxis], inputs[np.newaxis], np.random.default_rng(7))[0]


def test_the_control_has_the_shape_of_the_evidence_and_does_not_touch_it():
    mask = np.zeros((20, 4), bool)
    mask[5:8, 1] = mask[7, 2] = mask[10, 1] = True
    places = set()
    for seed in range(300):
        found = moved_one(mask, seed)
        assert not (found & mask).any()
        steps, channels = (np.flatnonzero(found.any(axis)) for axis in (1, 0))
        np.testing.assert_array_equal(found[steps[0] : steps[0] + 6, channels[0] : channels[0] + 2], mask[5:11, 1:3])
        places.add((int(steps[0]), int(channels[0])))
    moves = [(step, channel) for step in range(15) for channel in range(3)]
    free = {at for at in moves if not (np.roll(mask, (at[0] - 5, at[1] - 1), (0, 1)) & mask).any()}
    assert places == free, "every place that does not touch it, and no other"


def test_without_room_the_control_touches_the_evidence_least():
    mask = np.zeros((10, 1), bool)
    mask[1:8] = True
    np.testing.assert_array_equal(np.flatnonzero(moved_one(mask)), np.arange(3, 10))
    assert moved_one(np.ones((10, 2), bool)).all()
    assert not moved_one(np.zeros((10, 2), bool)).any()


def written(folder, reader, **changes):
    """The files of an experiment."""
    case = case_of(reader, **changes)
    files.write_json(folder / "data.json", case.data_info)
    files.write_array(folder / "x_test.npy", case.inputs)
    files.write_array(folder / "x_train.npy", case.training)
    files.write_arrays(folder / "labels.npz", {"test": case.labels, "train": case.training_labels})
    files.write_arrays(folder / "truth.npz", {"test": case.truth})
    files.write(folder / "model.keras", reader.save)
    inputs = prepared.tested(folder) | prepared.data_files(folder, "truth")
    work = {"seed": 4, "threads": 1, "memory_mb": 64}
    return {**inputs, "training": folder / "x_train.npy", "model": folder / "model.keras", **work}


def test_the_table_is_that_of_the_measurement_and_is_read_as_it_was_written(reader, tmp_path, caplog):
    asked = written(tmp_path, reader, number=60)
    with caplog.at_level(logging.INFO, "pellucid"):
        run(**asked, table=tmp_path / "one.csv")
        run(**asked, table=tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    found, expected = read(tmp_path / "one.csv"), measure(case_of(reader, number=60))
    assert found["class"].tolist() == expected["class"].tolist()
    assert "NA" in set(found["class"])
    np.testing.assert_allclose(found[["mean", "low", "high"]], expected[["mean", "low", "high"]], atol=1e-6)
    assert "mean: accuracy 1.000; " in caplog.text
    assert "does not need" not in caplog.text


def test_it_is_said_when_the_model_does_not_need_the_evidence(reader, tmp_path, caplog):
    asked = written(tmp_path, reader, number=60, first=8, channel=2)
    with caplog.at_level(logging.WARNING, "pellucid"):
        run(**asked, table=tmp_path / "one.csv")
    assert "does not need the planted evidence (fill: mean, noise, linear, other)" in caplog.text


def test_it_is_said_when_few_examples_allow_both_answers(reader, tmp_path, caplog):
    asked = written(tmp_path, reader, number=6)
    with caplog.at_level(logging.WARNING, "pellucid"):
        run(**asked, table=tmp_path / "one.csv")
    assert "cannot be told from these examples whether the model needs the planted evidence" in caplog.text
    assert "does not need" not in caplog.text


def test_a_source_that_knows_no_evidence_is_refused(reader, tmp_path):
    asked = written(tmp_path, reader, number=20)
    files.write_arrays(tmp_path / "truth.npz", {})
    with pytest.raises(InputError, match=r"truth\.npz: found no evidence of the test examples; expected a source"):
        run(**asked, table=tmp_path / "one.csv")


LENGTH, TONES = 64, (6, 11, 17)


@pytest.fixture(scope="module")
def listener(keras):
    """A model of which each class is the power of one bin: squares of the projections on its cosine and sine."""
    time = 2 * np.pi * np.arange(LENGTH) / LENGTH
    waves = np.stack([wave(tone * time) for tone in TONES for wave in (np.cos, np.sin)], 1)
    inputs = keras.Input((LENGTH, 1))
    parts = keras.layers.Dense(6, use_bias=False)
    squares = keras.layers.Lambda(keras.ops.square)(parts(keras.layers.Flatten()(inputs)))
    powers = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(inputs, powers(squares))
    parts.set_weights([waves.astype(np.float32)])
    powers.set_weights([np.repeat(np.eye(3), 2, axis=0).astype(np.float32) / 50, np.zeros(3, np.float32)])
    return model


def tones(model, marked):
    """Examples of one tone each, whose class it is, beside a stronger one of no class; `marked` bins as evidence."""
    rng = np.random.default_rng(2)
    labels = np.arange(90) % 3
    phases = rng.uniform(0, 2 * np.pi, (2, 90, 1))
    time = 2 * np.pi * np.arange(LENGTH) / LENGTH
    x = np.sin(np.array(TONES)[labels][:, None] * time + phases[0]) + 1.5 * np.sin(25 * time + phases[1])
    truth = np.zeros((90, LENGTH // 2 + 1), bool)
    truth[np.arange(90), marked if np.isscalar(marked) else np.array(marked)[labels]] = True
    return ScoreContext(
        data_info={"kind": "series", "classes": CLASSES},
        inputs=x[..., None].astype(np.float32),
        targets=labels,
        labels=labels,
        truth_frequency=truth,
        model=ExplainedModel(model),
        training=x[..., None].astype(np.float32),
        training_labels=labels,
        seed=1,
    )


def test_frequencies_are_removed_and_kept(listener):
    table = measure(tones(listener, TONES))
    for fill in FILLS:
        assert mean(table, "whole", "none") == mean(table, "control", fill) == mean(table, "only", fill) == 1
        # Nothing of any class is left.
        assert mean(table, "without", fill) < 0.6
        assert mean(table, "without", fill, "probability") == pytest.approx(1 / 3, abs=1e-4)
    assert mean(table, "whole", "none", "share") == pytest.approx(1 / 33)
    assert mean(table, "control", "none", "overlap") == 0
    assert needed(table) == {"silence": True, "floor": True}


def test_frequencies_that_the_model_does_not_use(listener):
    table = measure(tones(listener, 25))
    assert mean(table, "without", "silence") == 1 and mean(table, "only", "silence") < 0.6
    # The strongest of the other bins are what the model uses.
    assert mean(table, "control", "silence") < 0.6
    assert set(needed(table).values()) == {False}


def test_the_control_takes_as_many_other_bins():
    x = np.random.default_rng(0).normal(size=(5, 30, 2)).astype(np.float32)
    truth = np.zeros((5, 16), bool)
    truth[:3, 2:6], truth[3, :12] = True, True
    control = strongest_others(truth, x)
    assert not (control & truth).any() and control.sum(1).tolist() == [4, 4, 4, 4, 0]
    power = (np.abs(np.fft.rfft(x, axis=1)) ** 2).sum(-1)
    power[:, 0] = 0
    for row in range(3):
        assert power[row][control[row]].min() >= power[row][~control[row] & ~truth[row]].max()


@pytest.mark.parametrize("length", [30, 31])
def test_bins_are_silent_or_at_the_median_of_the_others(length):
    x = np.random.default_rng(0).normal(size=(4, length, 2)).astype(np.float32)
    truth = np.zeros((4, length // 2 + 1), bool)
    truth[:, 2:6] = True
    before = np.fft.rfft(x, axis=1)
    for kind, fill in fills(truth, x, np.random.default_rng(1)).items():
        after = np.fft.rfft(fill(slice(0, 4), truth[np.newaxis])[0], axis=1)
        np.testing.assert_allclose(after[~truth], before[~truth], atol=1e-4)
        height = 0 if kind == "silence" else np.median(np.abs(before[~truth].reshape(4, -1, 2)), 1)[:, None]
        np.testing.assert_allclose(np.abs(after[:, 2:6]), np.broadcast_to(height, (4, 4, 2)), atol=1e-4)
