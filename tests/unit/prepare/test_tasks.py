"""Splits and data.json of several labels for each example, and of values."""

import numpy as np
import pytest

from pellucid import files
from pellucid.datasets.base import Examples, RawData
from pellucid.errors import InputError
from pellucid.prepare import strata
from pellucid.prepare.checks import check
from pellucid.prepare.run import number_by_outputs
from pellucid.prepare.split import SPLITS, divide, take
from tests.support import prepared

SHARES = {"test": 0.2, "validation": 0.15}
NAMES = tuple("abcde")


def raw(y, group=None, task="multi_label", names=NAMES, test=None):
    x = np.arange(len(y), dtype=np.float32).reshape(-1, 1, 1)
    examples = Examples(x, y, group=group)
    return RawData(examples, test, names[: y.shape[1]], ("c",), task=task)


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    return (rng.random((400, 5)) < [0.02, 0.1, 0.5, 0.95, 0.3]).astype(np.uint8)


def numbers(split):
    """The numbers of a split's examples: each has its own as its one value."""
    return np.asarray(split.x)[:, 0, 0].astype(int)


@pytest.mark.parametrize("folds", [{}, {"folds": 5, "fold": 2}])
@pytest.mark.parametrize("grouped", [False, True])
def test_every_label_has_its_share_of_every_split(labels, folds, grouped):
    group = np.array([f"p{index // 4}" for index in range(400)]) if grouped else None
    splits = divide(raw(labels, group), **SHARES, **folds, rng=np.random.default_rng(1))
    again = divide(raw(labels, group), **SHARES, **folds, rng=np.random.default_rng(1))
    assert sum(len(split.y) for split in splits.values()) == 400
    rows = np.concatenate([numbers(splits[name]) for name in SPLITS])
    assert len(set(rows.tolist())) == 400
    for name, share in (("train", 0.68), ("validation", 0.12), ("test", 0.2)):
        np.testing.assert_array_equal(splits[name].y, again[name].y)
        np.testing.assert_array_equal(labels[numbers(splits[name])], splits[name].y)
        # Whole groups of four examples are coarser.
        np.testing.assert_allclose(splits[name].y.sum(0), share * labels.sum(0), atol=9 if grouped else 3)
        assert splits[name].y.any(0).all()
    if grouped:
        sides = [set(split.group.tolist()) for split in splits.values()]
        assert sum(map(len, sides)) == len(set.union(*sides))


def test_a_label_of_two_examples_has_one_on_each_side():
    y = np.zeros((200, 3), np.uint8)
    y[:2, 0], y[:100, 1], y[50:, 2] = 1, 1, 1
    for seed in range(5):
        rest, drawn = strata.divided(y, 0.05, np.random.default_rng(seed))
        assert y[rest, 0].sum() == y[drawn, 0].sum() == 1


@pytest.mark.parametrize("values", [1, 2])
@pytest.mark.parametrize("folds", [{}, {"folds": 5, "fold": 1}])
def test_values_are_spread_by_their_quantiles(values, folds):
    y = np.random.default_rng(2).gamma(1, 1, (1000, values)).astype(np.float32)
    splits = divide(raw(y, task="regression"), **SHARES, **folds, rng=np.random.default_rng(3))
    limits = np.quantile(y, [0.1, 0.5, 0.9], axis=0)
    for split in splits.values():
        # A draw without strata of 120 examples would miss a share of 10% by 3% in a third of the cases.
        shares = [(split.y <= limit).mean(0) for limit in limits]
        np.testing.assert_allclose(
            shares, np.repeat([[0.1], [0.5], [0.9]], values, 1), atol=0.02 if values == 1 else 0.05
        )


def test_bins_hold_equal_values_together_and_are_never_small():
    rng = np.random.default_rng(0)
    many_zeros = np.concatenate([np.zeros(150), rng.random(50)])[:, None]
    bins = strata.strata(many_zeros, "regression")
    assert len(set(bins[:150].tolist())) == 1
    assert np.bincount(bins).min() >= 10
    assert set(strata.strata(rng.random((30, 1)), "regression")) == {0}
    assert len(set(strata.strata(rng.random((400, 1)), "regression"))) == 10


Y = np.array([[0, 1], [1, 0]] * 6, np.uint8)


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (np.array([[0, 1], [0, 0]] * 6, np.uint8), "multi_label", r'no example\(s\) with the label "a"; expected at least 3'),
        (np.array([[1, 1]] * 11 + [[0, 0]], np.uint8), "multi_label", r'1 example\(s\) without the label "a"'),
        (Y * 2, "multi_label", '2 for the label "b" of example 0; expected 0 or 1'),
        (Y[:, :, None], "multi_label", "labels of shape 12 × 2 × 1"),
        (np.ones((12, 1), np.float32), "regression", '1 as the value "a" of every example'),
        (np.full((12, 1), np.nan, np.float32), "regression", 'nan for the value "a" of example 0'),
        (np.ones((2, 1), np.float32), "regression", r"2 example\(s\); expected at least 3"),
    ],
)  # fmt: skip
def test_what_nothing_can_be_learnt_from_is_refused(y, task, message):
    data = RawData(Examples(np.ones((len(y), 1, 1)), y), None, NAMES[: y.shape[1]], ("c",), task=task)
    with pytest.raises(InputError, match=message):
        check(data, "table")


def test_labels_are_ordered_by_the_outputs_of_a_model(labels):
    data = raw(labels)
    splits = {name: take(data.train) for name in SPLITS}
    ordered = number_by_outputs(data, splits, list("ebacd"), None)
    assert ordered.classes == tuple("ebacd")
    np.testing.assert_array_equal(splits["test"].y, labels[:, [4, 1, 0, 2, 3]])
    for classes, message in ((list("abcdef"), '"f", which the data do not have'), (list("abcd"), "without the data's")):
        with pytest.raises(InputError, match=message):
            number_by_outputs(data, {name: take(data.train) for name in SPLITS}, classes, None)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folders of prepared data, by task."""
    folder, rng = tmp_path_factory.mktemp("tasks"), np.random.default_rng(0)
    x = rng.normal(size=(80, 6))
    np.savez(folder / "multi_label.npz", x=x, y=(x[:, :3] > 0).astype(np.uint8))
    np.savez(folder / "regression.npz", x=x, y=70 + 3 * x[:, 0])
    names = {
        "multi_label": {"class_names": ["MI", "AF", "HYP"]},
        "regression": {"class_names": ["age"], "units": ["y"]},
    }
    for task, parameters in names.items():
        file = str(folder / f"{task}.npz")
        entry = {"source": "table", "file": file, "task": task, "file_sha256": "none", **parameters}
        prepared.prepare(folder / task, entry, paths={"file": file}, scale="standard")
    return folder


def test_data_json_of_several_labels(written):
    info, y = (
        files.read_json(written / "multi_label" / "data.json"),
        files.read_arrays(written / "multi_label/labels.npz"),
    )
    assert (info["task"], info["classes"]) == ("multi_label", ["MI", "AF", "HYP"])
    for name in SPLITS:
        assert y[name].dtype == np.uint8
        assert info["counts"][name] == dict(zip(info["classes"], y[name].sum(0).tolist(), strict=True))
        assert info["examples"][name] == len(y[name])
    assert set(info["split"]["test"]["share_of_class"]) == {"MI", "AF", "HYP"}
    assert "units" not in info


def test_data_json_of_values(written):
    info, y = (
        files.read_json(written / "regression" / "data.json"),
        files.read_arrays(written / "regression/labels.npz"),
    )
    assert (info["task"], info["classes"], info["units"]) == ("regression", ["age"], ["y"])
    assert info["counts"] == {"train": {}, "validation": {}, "test": {}}
    train = y["train"].astype(np.float64)
    expected = {"mean": train.mean(), "sd": train.std(), "min": train.min(), "max": train.max()}
    assert info["value_statistics"] == {"age": pytest.approx(expected)}
    assert {labels.dtype for labels in y.values()} == {np.dtype(np.float32)}
