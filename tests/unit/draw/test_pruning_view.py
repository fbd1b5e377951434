"""What the figure of pruning says and shows."""

import numpy as np
import pytest

from pellucid.draw.views.pruning import draw
from tests.support.view_kinds import panels, words

DENSITIES = [0.1, 1.0, 0.5]


def arrays(methods):
    rng = np.random.default_rng(0)
    runs = [("random", 0), ("random", 1), ("global_magnitude", 0)]
    trials = [(name, repeat, density) for name, repeat in runs for density in DENSITIES]
    return {
        "strategy": np.array([name for name, _, _ in trials]),
        "repeat": np.array([repeat for _, repeat, _ in trials]),
        "density": np.array([density for _, _, density in trials]),
        "accuracy": rng.random(len(trials)),
        "rank_correlation": rng.random((len(trials), len(methods))),
        "methods": np.array(methods, dtype=str),
        "chance": np.array(0.2),
        "weights": np.array(123456),
        "points": np.array(2000),
        "examples": np.array(12),
    }


@pytest.mark.parametrize("methods", [[], ["saliency"], ["saliency", "grad_cam", "smoothgrad"]])
def test_one_panel_for_the_accuracy_and_one_for_each_method(tmp_path, methods):
    given = arrays(methods)
    text, figure = words(draw, tmp_path, given, {}, {}, "A title")
    assert len(panels(figure)) == 1 + len(methods)
    for part in ("A title", "123,456 weights", "2,000 test examples", "at random", "the largest of the model"):
        assert part in text
    assert "of each layer" not in text
    assert "most frequent class" in text
    for name in methods:
        assert {"saliency": "Saliency", "grad_cam": "Grad-CAM", "smoothgrad": "SmoothGrad"}[name] in text
    # From dense to sparse: the mean of the two random masks.
    line = panels(figure)[0].lines[0]
    random = given["strategy"] == "random"
    expected = [given["accuracy"][random & (given["density"] == density)].mean() for density in (1.0, 0.5, 0.1)]
    np.testing.assert_allclose(line.get_ydata(), expected)


def test_a_correlation_that_is_not_known_leaves_the_panel_empty(tmp_path):
    given = arrays(["saliency"])
    given["rank_correlation"][:] = np.nan
    text, _ = words(draw, tmp_path, given, {}, {}, "A title")
    assert "Saliency" in text
