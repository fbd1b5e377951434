"""The patch is where the truth says, tells the class, and is all that does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare

from pellucid import plugins
from pellucid.datasets import digits
from pellucid.datasets import planted_digits as source
from pellucid.evaluate.planted_evidence import ALTERED, WITHOUT, accuracies, measure
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import ScoreContext


def load(seed=0, **parameters):
    return source.load({}, np.random.default_rng(seed), **parameters)


@pytest.fixture(scope="module")
def data():
    return load()


def corners(truth):
    """Row and column of the first pixel of each patch: (N, 2)."""
    return np.stack([truth.any((2, 3)).argmax(1), truth.any((1, 3)).argmax(1)], axis=1)


def nearest_digit(data, originals):
    """Which of scikit-learn's digits lies under the patch of each example, by the pixels outside of it."""
    count = len(data.y)
    outside = (~data.truth).reshape(count, -1).astype(np.float64)
    x = data.x.reshape(count, -1).astype(np.float64) * outside
    y = originals.reshape(len(originals), -1).astype(np.float64)
    distance = (x**2).sum(1)[:, np.newaxis] - 2 * x @ y.T + outside @ (y**2).T
    return distance.argmin(1), distance.min(1)


def test_what_it_gives(data):
    x, y, truth = data.train.x, data.train.y, data.train.truth
    assert (x.shape, x.dtype, y.dtype, truth.shape, truth.dtype) == (
        (1600, 16, 16, 1),
        np.float32,
        np.int64,
        x.shape,
        bool,
    )
    assert np.bincount(y).tolist() == [400] * 4
    assert len(data.classes) == 4
    assert data.test is None
    assert len(np.unique(y[:30])) == 4, "in random order"


def test_the_generator_decides_everything():
    one, same, other = (load(seed, per_class=5).train for seed in (1, 1, 2))
    assert one.x.tobytes() == same.x.tobytes()
    assert one.truth.tobytes() == same.truth.tobytes()
    assert (one.y == same.y).all()
    assert one.x.tobytes() != other.x.tobytes()


def test_there_are_digits_enough_for_the_largest_number():
    most = plugins.parameters(source)["per_class"]["maximum"]
    assert len(load(per_class=most, size=8).train.y) == 4 * most
    assert len(digits.load({}, np.random.default_rng(0)).train.y) == source.DIGITS


@pytest.mark.parametrize("size", [8, 11, 16])
def test_truth_is_exactly_what_planting_has_changed(size):
    data = load(3, size=size, per_class=50).train
    originals = source.enlarged(digits.load({}, np.random.default_rng(0)).train.x, size)
    which, distance = nearest_digit(data, originals)
    assert distance.max() < 1e-6
    np.testing.assert_array_equal(data.x != originals[which], data.truth)


def test_the_patch_is_a_line_of_its_class():
    data = load(3, contrast=0.6).train
    for image, mask, label, (row, column) in zip(data.x, data.truth, data.y, corners(data.truth), strict=True):
        assert mask[row : row + 3, column : column + 3].sum() == mask.sum() == 9
        expected = np.where(list(source.LINES.values())[label], 0.8, 0.2)
        np.testing.assert_allclose(image[row : row + 3, column : column + 3, 0], expected, rtol=1e-6)


def test_the_patch_does_not_stand_out_by_its_values(data):
    x, truth = (one.reshape(1600, -1) for one in (data.train.x, data.train.truth))
    assert 0 <= x.min() < x.max() <= 1
    assert truth[np.arange(1600), x.argmax(1)].mean() < 0.1, "the darkest pixel is one of the digit"
    assert x[truth].mean() < 1.5 * x.mean()


def test_the_lines_are_the_four_directions():
    lines = source.LINES
    np.testing.assert_array_equal(np.rot90(lines["horizontal"]), lines["vertical"])
    np.testing.assert_array_equal(np.rot90(lines["falling"]), lines["rising"])
    np.testing.assert_array_equal(lines["falling"], np.eye(3, dtype=bool))
    assert [int(line.sum()) for line in lines.values()] == [3] * 4


def test_at_the_size_of_8_digits_are_as_they_are():
    originals = digits.load({}, np.random.default_rng(0)).train.x
    np.testing.assert_array_equal(source.enlarged(originals[:50], 8), originals[:50])
    larger = source.enlarged(originals[:50], 16)
    np.testing.assert_allclose(larger.mean((1, 2)), originals[:50].mean((1, 2)), atol=0.01)


def test_neither_digit_nor_place_says_anything_of_the_class_or_of_each_other():
    data = load(7, size=8).train
    known = digits.load({}, np.random.default_rng(0)).train
    which, distance = nearest_digit(data, known.x)
    assert distance.max() < 1e-8, "each lies on a digit of the set"
    assert len(np.unique(which)) > 1590, "each on another one, but for digits that differ under the patch alone"
    digit, (row, column) = known.y[which], corners(data.truth).T
    place = 2 * (row // 3) + column // 3
    for one, another in ((data.y, digit), (data.y, place), (digit, place)):
        table = np.zeros((one.max() + 1, another.max() + 1))
        np.add.at(table, (one, another), 1)
        assert chi2_contingency(table).pvalue > 0.01
    assert chisquare(np.bincount(6 * row + column, minlength=36)).pvalue > 0.01, "every place alike"


def test_a_network_learns_the_patch_and_knows_nothing_without_it(data, keras):
    from pellucid.models.gap_cnn import build

    keras.utils.set_random_seed(1)
    x, y, truth = data.train.x, data.train.y, data.train.truth
    fit, held = slice(0, 1200), slice(1200, None)
    model = build((16, 16, 1), 4, filters=[32, 32], kernels=[3, 3], batch_norm_momentum=0.9)
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(x[fit], y[fit], batch_size=32, epochs=8, verbose=0)
    case = ScoreContext(
        data_info={"classes": list(data.classes)},
        inputs=x[held],
        targets=y[held],
        labels=y[held],
        truth=truth[held],
        model=ExplainedModel(model),
        training=x[fit],
        training_labels=y[fit],
    )
    table = measure(case)
    for fill, (whole, without, only, control) in accuracies(table).items():
        assert whole > 0.9
        assert without < 0.35, fill
        assert control > 0.9, fill
        assert fill != "mean" or only > 0.9
    assert set(table["part"]) == {"whole", *ALTERED}
    assert table.loc[(table["part"] == WITHOUT) & (table["class"] == "all"), "examples"].eq(400).all()
