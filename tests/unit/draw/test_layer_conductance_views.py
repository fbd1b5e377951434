"""What the figures of layer conductance and of neuron attribution say and show."""

import numpy as np
import pytest

from pellucid.draw.shared.passed_share import in_words
from pellucid.draw.views import layer_conductance, neuron_attribution
from pellucid.targets import contrast
from tests.support.view_kinds import KINDS, words
from tests.unit.draw.test_layer_views import examples, field, legible

PARAMETERS = {"of": "conductance", "steps": 50, "baseline": "mean", "units": "strongest", "position": "all"}


def layer(shape, *, flat=False, off=0.0):
    rng = np.random.default_rng(0)
    units = () if flat else tuple(length - 2 for length in shape[:-1])
    maps = rng.normal(size=(3, 4, *units)).astype(np.float32)
    totals = np.zeros((3, 9))
    totals[:, [7, 2, 5, 0]] = maps.reshape(3, 4, -1).sum(2)
    return examples(shape, 3) | {
        "targets": np.array([0, 1, contrast(1, 2)]), "maps": maps, "filters": np.array([7, 2, 5, 0]), "totals": totals,
        "layer": np.array("conv_1"), "change": totals.sum(1) * (1 + off), "passes_all": np.array(True),
        "field": field(shape), "whole": np.array(False),
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "flat"), [*((kind, False) for kind in KINDS), ("channels", True), ("image", True)])
def test_layer_conductance(tmp_path, kind, flat):
    data_info, shape = KINDS[kind]
    text, figure = words(layer_conductance.draw, tmp_path, layer(shape, flat=flat), data_info, PARAMETERS, "A title")
    assert "A title: conv_1" in text
    assert f"4 of 9 {'units' if flat else 'filters'}, the largest conductance first" in text
    assert "baseline (mean)" in text
    assert "explained: both" not in text
    assert "(logit difference)" in text  # the third example is explained by one class minus another
    assert "all units sum to" in text
    assert "raise steps" not in text
    assert "#7" in text
    assert "#8" not in text
    assert legible(figure)


def test_it_tells_what_does_not_add_up():
    arrays = {"totals": np.full((2, 4), 0.25), "change": np.array([1.5, 1]), "passes_all": np.array(True)}
    assert "all units miss it by 20%: raise steps" in in_words(arrays, PARAMETERS)
    assert "raise steps" not in in_words(arrays | {"change": np.ones(2)}, PARAMETERS)
    words_of_a_branch = in_words(arrays | {"passes_all": np.array(False)}, PARAMETERS)
    assert "not all paths pass through this layer" in words_of_a_branch
    assert "raise steps" not in words_of_a_branch
    assert in_words(arrays, PARAMETERS | {"of": "influence"}) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_neuron_attribution(tmp_path, kind):
    data_info, shape = KINDS[kind]
    rng = np.random.default_rng(1)
    axes = len(shape)
    units = np.full((3, 2, axes), -1)
    units[..., -1] = [[4, 1], [1, 8], [0, 4]]
    given = examples(shape, 3) | {
        "targets": np.array([0, 1, 1]), "maps": rng.normal(size=(3, 2, *shape)).astype(np.float32), "units": units,
        "conductance": np.array([[0.5, -0.25], [1, 0.75], [2, 1.5]]), "change": np.ones(3), "layer": np.array("conv_1"),
        "n_filters": np.array(9), "passes_all": np.array(True),
    }  # fmt: skip
    text, figure = words(neuron_attribution.draw, tmp_path, given, data_info, PARAMETERS, "A title")
    assert "of each example the 2 of 9 filters of the largest conductance" in text
    assert "#4: +0.5" in text
    assert "#1: −0.25" in text
    assert "#8: +0.75" in text
    assert "share of the logit" in text
    # The map of the second filter of the first example lies in its panel, in its place.
    colours = [image.get_array() for panel in figure.axes for image in panel.images]
    if kind == "channels":
        assert any(np.shape(shown) == shape[::-1] and np.allclose(shown, given["maps"][0, 1].T) for shown in colours)
    given["units"][..., :-1] = 3
    parameters = PARAMETERS | {"of": "gradient", "position": "strongest", "units": [4]}
    text, _ = words(neuron_attribution.draw, tmp_path, given, data_info, parameters, "A title")
    assert "at the position of the largest conductance" in text
    assert ("#4 at 3" if axes == 2 else "#4 at (3, 3)") in text
    assert "filter's own output" in text
