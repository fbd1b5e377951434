"""What the figure of prototypes says and shows."""

import numpy as np
import pytest

from pellucid.draw.views.prototypes import draw
from tests.support.view_kinds import KINDS, panels, words


def arrays(shape, criticisms=1):
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 1, 1, 2])  # the third class has one example only
    critics = np.repeat([0, 1], criticisms)
    return {
        "classes": np.arange(3),
        "prototypes": rng.random((5, *shape), np.float32),
        "prototype_labels": labels,
        "coverage": np.array([0.7, 0.3, 0.51, 0.49, 1]),
        "criticisms": rng.random((len(critics), *shape), np.float32),
        "criticism_labels": critics,
        "witness": np.full(len(critics), -0.05),
        "nearest": rng.random((5, *shape), np.float32),
        "nearest_labels": np.array([0, 0, 1, 0, 2]),
        "nearest_distances": np.array([0.123, 1, 2, 3, 4]),
        "mmd2": np.array([0.01, 0.02, 0.03]),
        "mmd2_random": np.array([0.1, 0.2, 0.3]),
        "layer": np.array("dense_1"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_says_classes_shares_and_distances(tmp_path, kind):
    data_info, shape = KINDS[kind]
    text, figure = words(draw, tmp_path, arrays(shape), data_info, {"shown": 10}, "A title")
    assert len(panels(figure)) == 5 + 2 + 5
    assert "A title" in text
    assert "layer dense_1; squared discrepancy of the prototypes from their class 0.020, of random ones 0.200" in text
    for part in ("prototypes", "criticisms", "nearest test examples", "70% of the class", "witness −0.05", "d = 0.12"):
        assert part in text
    # The nearest test example of another class is named.
    assert "d = 3.00, left!" in text
    for name in data_info["classes"]:
        assert name in text


def test_without_criticisms_their_group_is_left_out(tmp_path):
    data_info, shape = KINDS["image"]
    text, figure = words(draw, tmp_path, arrays(shape, 0), data_info, {"shown": 10}, "A title")
    assert "criticisms" not in text
    assert len(panels(figure)) == 10


def test_more_classes_than_fit_are_counted(tmp_path):
    data_info, shape = KINDS["signal"]
    text, figure = words(draw, tmp_path, arrays(shape), data_info, {"shown": 2}, "A title")
    assert "2 of 3 classes" in text
    assert "both" not in text
    assert len(panels(figure)) == 4 + 2 + 4


@pytest.mark.parametrize("kind", ["signal", "channels", "photograph"])
def test_what_was_not_measured_is_left_empty(tmp_path, kind):
    data_info, shape = KINDS[kind]
    content = arrays(shape)
    for name in ("prototypes", "criticisms", "nearest"):
        content[name][:, -3:] = np.nan
    _, figure = words(draw, tmp_path, content, data_info, {"shown": 10}, "A title")
    for axes in panels(figure):
        assert np.isfinite(axes.get_ylim()).all()
        lines, images = [line.get_ydata() for line in axes.lines], [image.get_array() for image in axes.images]
        assert all(np.isnan(line[-3:]).all() and np.isfinite(line[:-3]).all() for line in lines)
        assert all((image[-3:] == 1).all() and image[:-3].min() >= 0 for image in images)
        assert lines or images
