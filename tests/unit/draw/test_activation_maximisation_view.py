"""What the figure of activation maximisation says and shows."""

import numpy as np
import pytest

from pellucid.draw.views.activation_maximisation import draw
from tests.support.view_kinds import KINDS, panels, words


def arrays(shape, units, count, layer=""):
    rng = np.random.default_rng(0)
    found = {
        "units": np.array(units),
        "count": np.array(count),
        "inputs": rng.random((len(units), *shape), np.float32),
        "best": rng.random((len(units), *shape), np.float32),
        "scores": np.linspace(12.34, 150, len(units)),
        "best_scores": np.linspace(3.217, 4, len(units)),
        "silent": np.arange(len(units)) == 1,
        "examples": np.array(1000),
        "layer": np.array(layer),
    }
    if not layer:
        found |= {
            "mean": rng.random((len(units), *shape), np.float32),
            "probabilities": np.full(len(units), 0.99),
            "best_probabilities": np.full(len(units), 0.75),
        }
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_classes(tmp_path, kind):
    data_info, shape = KINDS[kind]
    text, figure = words(draw, tmp_path, arrays(shape, [0, 1, 2], 3), data_info, {}, "A title")
    assert "A title" in text
    assert "all 3 classes; best real: of 1,000 training examples" in text
    assert "silent" in text
    if data_info["kind"] == "image":
        assert len(panels(figure)) == 9
        assert "best real 3.22" in text
    else:
        assert len(panels(figure)) == 3
        assert "logit 12.3 (p = 0.99); best real 3.22 (p = 0.75)" in text
        assert "grey: mean training example of the class" in text
        assert "time (s)" in text
    for name in data_info["classes"]:
        assert name in text


@pytest.mark.parametrize(
    "kind", ["signal", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "signal")]
)
def test_filters(tmp_path, kind):
    data_info, shape = KINDS[kind]
    text, figure = words(draw, tmp_path, arrays(shape, range(0, 130, 10), 512, "conv_2"), data_info, {}, "A title")
    assert "13 of 512 filters of conv_2" in text
    assert "filter 120" in text
    assert len(panels(figure)) == (26 if data_info["kind"] == "image" else 13)


def test_too_many_channels_are_cut_and_counted(tmp_path):
    data_info = KINDS["channels"][0] | {"channels": [f"lead {index}" for index in range(20)]}
    text, _ = words(draw, tmp_path, arrays((40, 20), [0, 1, 2], 3), data_info, {}, "A title")
    assert "12 of 20 channels" in text
    assert "lead 11" in text
    assert "lead 12" not in text
