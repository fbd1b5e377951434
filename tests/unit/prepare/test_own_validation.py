"""A source with a validation set of its own, as PTB-XL has."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.datasets.base import Examples, RawData
from pellucid.errors import InputError
from pellucid.prepare.checks import check, shared_groups
from pellucid.prepare.split import SPLITS, divide
from pellucid.prepare.split_shares import reached


def examples(n, seed, patients):
    rng = np.random.default_rng(seed)
    return Examples(
        rng.normal(size=(n, 8, 2)).astype(np.float32),
        np.arange(n) % 2,
        group=np.array(patients)[np.arange(n) % len(patients)],
    )


@pytest.fixture
def raw():
    sets = [examples(40, 0, ["a", "b"]), examples(10, 1, ["c"]), examples(12, 2, ["d"])]
    return RawData(sets[0], sets[2], ("x", "y"), ("u", "v"), validation=sets[1])


def test_the_splits_are_the_source_s_own_and_no_share_is_asked_for(raw, rng):
    state = rng.bit_generator.state
    splits = divide(raw, test=0.3, validation=0.3, rng=rng)
    for name, own in zip(SPLITS, (raw.train, raw.validation, raw.test), strict=True):
        np.testing.assert_array_equal(np.asarray(splits[name].x), own.x)
        np.testing.assert_array_equal(splits[name].y, own.y)
    # Nothing is drawn.
    assert rng.bit_generator.state == state
    shares = reached(splits, raw.classes, {"test": 0.3, "validation": 0.3}, own_test=True, own_validation=True)
    assert shares == {"by_group": True}


def test_with_folds_both_own_sets_are_left_aside(raw, rng):
    raw = replace(raw, train=examples(40, 0, list("abcdefgh")))
    splits = divide(raw, test=0.3, validation=0.25, rng=rng, folds=4, fold=1)
    assert sum(len(split.y) for split in splits.values()) == 40
    shares = reached(
        splits, raw.classes, {"folds": 4, "fold": 1, "validation": 0.25}, own_test=True, own_validation=True
    )
    assert shares["validation"]["share_asked"] == 0.25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"validation": examples(10, 1, ["a"])},
            "1 of the 1 groups of the validation examples in the training examples too: a",
        ),
        (
            {"validation": examples(10, 1, ["d"])},
            "1 of the 1 groups of the test examples in the validation examples too: d",
        ),
        ({"test": examples(10, 1, ["b"])}, "1 of the 1 groups of the test examples in the training examples too: b"),
    ],
)
def test_a_patient_in_two_sets_is_refused(raw, change, message):
    changed = replace(raw, **change)
    with pytest.raises(InputError) as error:
        shared_groups(changed, "source", by_group=True)
    assert message in str(error.value)
    (note,) = shared_groups(changed, "source", by_group=False)
    assert "are in the" in note


def test_the_validation_set_is_checked_like_the_others(raw):
    raw.validation.x[3, 0, 0] = np.nan
    with pytest.raises(InputError, match="source, validation: found NaN or infinity in example 3"):
        check(raw, "source")
    few = replace(
        raw, validation=examples(10, 1, ["c"]), train=replace(raw.train, x=raw.train.x[:2], y=np.array([0, 1]))
    )
    # One of each class is enough to train on: no split is drawn from them.
    check(few, "source")
    with pytest.raises(InputError, match="at least 2 of each class, one for each of training and validation"):
        check(replace(few, validation=None), "source")
