"""The planted motifs are where the truth says, and carry the class, the whole class and nothing but the class."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import plugins
from pellucid.datasets import synthetic_series as source


@pytest.fixture(scope="module")
def data():
    return source.load({}, np.random.default_rng(5), per_class=60)


def answers(x, classes=4):
    """A matched filter for each class: its shape in its channels at every start of its slice, the best one counts."""
    scores = []
    for motif in source.MOTIFS[:classes]:
        channels = [source.CHANNELS.index(name) for name in motif.channels]
        piece = x[:, motif.first : motif.last + source.LENGTH, channels].mean(axis=2)
        windows = np.lib.stride_tricks.sliding_window_view(piece, source.LENGTH, axis=1)
        scores.append((windows @ source.shapes()[motif.shape]).max(axis=1) * np.sqrt(len(channels)))
    return np.argmax(scores, axis=0)


def test_what_it_gives(data):
    x, y, truth = data.train.x, data.train.y, data.train.truth
    assert (x.shape, x.dtype, y.dtype, truth.shape, truth.dtype) == ((240, 300, 9), "float32", "int64", x.shape, bool)
    assert np.isfinite(x).all() and np.bincount(y).tolist() == [60] * 4
    assert len(data.classes) == len(set(data.classes)) == 4 and len(data.channels) == 9
    assert data.sampling_rate is None and data.test is None
    assert len(np.unique(y[:40])) == 4, "in random order"


def test_the_generator_decides_everything():
    one, same, other = (source.load({}, np.random.default_rng(seed), per_class=5).train for seed in (1, 1, 2))
    assert one.x.tobytes() == same.x.tobytes() and one.truth.tobytes() == same.truth.tobytes()
    assert (one.y == same.y).all()
    assert one.x.tobytes() != other.x.tobytes()


def test_there_is_a_motif_for_every_class():
    assert plugins.parameters(source)["classes"]["maximum"] == len(source.MOTIFS)


def test_the_classes_need_channel_shape_and_time():
    first, second, third, fourth = source.MOTIFS[:4]
    assert first.shape == second.shape and first.channels != second.channels
    assert third.channels == fourth.channels and third.shape != fourth.shape
    decoys = [motif for motif in source.DISTRACTORS if motif.channels == third.channels]
    assert {motif.shape for motif in decoys} == {third.shape, fourth.shape}, "both, but at another time"
    for decoy in source.DISTRACTORS:
        for motif in source.MOTIFS:
            together = set(decoy.channels) & set(motif.channels)
            assert not together or decoy.last + source.LENGTH <= motif.first, "no distractor touches the evidence"


def test_shapes_differ_but_not_in_size():
    shapes = source.shapes()
    for name, shape in shapes.items():
        assert shape.shape == (source.LENGTH,)
        assert shape.mean() == pytest.approx(0, abs=1e-12) and np.mean(shape**2) == pytest.approx(1)
        for other, another in shapes.items():
            assert name == other or abs(np.mean(shape * another)) < 0.6


@pytest.mark.parametrize("classes", [2, 4, 6])
def test_truth_is_exactly_the_planted_motif(classes):
    """Without background and distractors, nothing but the motif is left."""
    data = source.load({}, np.random.default_rng(3), per_class=10, classes=classes, noise=0, distractors=0, amplitude=3)
    x, y, truth = data.train.x, data.train.y, data.train.truth
    assert (x[~truth] == 0).all() and (x[truth] != 0).all()
    for series, label, mask in zip(x, y, truth, strict=True):
        motif = source.MOTIFS[label]
        assert [data.channels[channel] for channel in np.flatnonzero(mask.any(axis=0))] == list(motif.channels)
        steps = np.flatnonzero(mask.any(axis=1))
        assert len(steps) == source.LENGTH and np.ptp(steps) == source.LENGTH - 1
        assert motif.first <= steps[0] <= motif.last
        for channel in np.flatnonzero(mask.any(axis=0)):
            np.testing.assert_allclose(series[steps, channel], 3 * source.shapes()[motif.shape], rtol=1e-5)


def test_the_start_of_the_motif_is_jittered(data):
    for label, motif in enumerate(source.MOTIFS[:4]):
        starts = data.train.truth[data.train.y == label].any(axis=2).argmax(axis=1)
        assert np.ptp(starts) > 0.7 * (motif.last - motif.first)


def test_distractors_are_the_same_in_all_classes():
    data = source.load({}, np.random.default_rng(3), per_class=400, noise=0)
    for motif in source.DISTRACTORS:
        column = source.CHANNELS.index(motif.channels[0])
        seen = np.any((data.train.x[:, :, column] != 0) & ~data.train.truth[:, :, column], axis=1)
        shares = [seen[data.train.y == label].mean() for label in range(4)]
        expected = 0.75 if motif.channels == ("c4",) else 0.5
        assert shares == pytest.approx([expected] * 4, abs=0.09)


def test_the_background_is_stationary_and_autocorrelated():
    x = source.load({}, np.random.default_rng(3), per_class=200, amplitude=0, noise=2).train.x
    assert x.std(axis=0) == pytest.approx(np.full((300, 9), 2.0), rel=0.15)
    assert x[:, 0].std() == pytest.approx(2, rel=0.05)
    assert np.mean(x[:, 1:] * x[:, :-1]) / np.mean(x**2) == pytest.approx(0.8, abs=0.02)
    across = np.corrcoef(x.reshape(-1, 9).T)
    assert np.abs(across - np.eye(9)).max() < 0.03


def test_the_truth_carries_the_class_and_the_rest_does_not(data):
    x, y, truth = data.train.x, data.train.y, data.train.truth
    assert np.mean(answers(x) == y) > 0.95
    assert np.mean(answers(np.where(truth, x, 0)) == y) > 0.95
    assert np.mean(answers(np.where(truth, 0, x)) == y) < 0.35


def test_the_rest_gives_the_class_away_to_no_trained_classifier(data):
    """The evidence is overwritten by another draw of the background, so that no hole shows where it was."""
    from sklearn.linear_model import LogisticRegression

    def energy(x):
        """Power in pieces of 10 steps, which a linear classifier can use whatever the sign and place of a motif."""
        return np.square(x).reshape(len(x), 30, 10, 9).mean(axis=2).reshape(len(x), -1)

    background = source.load({}, np.random.default_rng(9), per_class=60, amplitude=0).train.x
    y, hidden = data.train.y, np.where(data.train.truth, background, data.train.x)
    fit, held = slice(0, 160), slice(160, None)

    def score(x):
        return LogisticRegression(C=0.01, max_iter=500).fit(energy(x[fit]), y[fit]).score(energy(x[held]), y[held])

    assert score(data.train.x) > 0.6, "with the evidence the same classifier does learn"
    assert score(hidden) < 0.4
