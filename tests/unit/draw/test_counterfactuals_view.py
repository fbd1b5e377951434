"""What the figure of counterfactuals says."""

import numpy as np
import pytest

from pellucid.draw.views.counterfactuals import draw
from tests.support.view_kinds import KINDS, words


def arrays(shape, found=(True, False, True)):
    rng = np.random.default_rng(0)
    inputs = rng.random((3, *shape), np.float32)
    changed = inputs.copy()
    changed[:, 1] += 0.5
    return {
        "inputs": inputs,
        "changed": changed,
        "predictions": np.array([0, 1, 1]),
        "wanted": np.array([1, 2, 0]),
        "found": np.array(found),
        "probabilities": np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]),
        "probabilities_changed": np.array([[0.4, 0.6], [0.8, 0.2], [0.49, 0.51]]),
        **{
            name: np.where(found, value, np.nan)
            for name, value in (("distance", 0.25), ("unchanged", 0.75), ("plausible", 0.4))
        },
    }


@pytest.mark.parametrize("kind", KINDS)
def test_says_what_was_changed_and_what_was_not_found(tmp_path, kind):
    data_info, shape = KINDS[kind]
    parameters = {"shown": 3, "of": "native_guide"}
    text, _ = words(draw, tmp_path, arrays(shape), data_info, parameters, "A title")
    names = data_info["classes"]
    assert f"{names[0]} 0.90 → {names[1]} 0.60" in text
    assert f"{names[1]}: no change to {names[2]} found" in text
    assert "another class found for 2 of 3 examples" in text
    assert "a window of the nearest real example" in text
    assert "distance 0.25, 75% unchanged, plausible 0.40" in text


def test_where_none_is_found_there_are_no_medians(tmp_path):
    data_info, shape = KINDS["image"]
    text, _ = words(
        draw, tmp_path, arrays(shape, (False, False, False)), data_info, {"shown": 2, "of": "gradient"}, "A title"
    )
    assert "another class found for 0 of 3 examples; 2 of 3 examples" in text
    assert "medians" not in text


def test_without_a_real_example_and_a_unit_there_are_no_gaps(tmp_path):
    data_info, shape = KINDS["channels"]
    given = arrays(shape) | {"distance": np.full(3, np.nan), "plausible": np.full(3, np.nan)}
    text, _ = words(draw, tmp_path, given, {**data_info, "unit": ""}, {"shown": 3, "of": "gradient"}, "A title")
    assert "medians of the 2 found: 75% unchanged; no real example of that class" in text
    assert "nan" not in text
    assert "()" not in text


def test_a_change_of_hue_is_no_change_of_nothing(tmp_path):
    data_info, shape = KINDS["image"]
    data_info = {**data_info, "channels": ["red", "green", "blue"], "shape": [*shape[:2], 3]}
    content = arrays((*shape[:2], 3))
    content["changed"] = content["inputs"].copy()
    content["changed"][:, 2, 1] += np.array([0.3, -0.4, 0.1], np.float32)  # their sum is 0
    text, figure = words(draw, tmp_path, content, data_info, {"shown": 3, "of": "gradient"}, "A title")
    pictures = [image.get_array() for axes in figure.axes for image in axes.images if image.get_array().ndim == 2]
    changes = [picture for picture in pictures if picture.shape == shape[:2]]
    for change in changes:
        np.testing.assert_allclose(np.abs(change[2, 1]), np.sqrt(0.26), rtol=1e-5)
    assert len(changes) == 3
    assert "its size over all channels" in text


@pytest.mark.parametrize("kind", ["signal", "channels", "photograph"])
def test_what_was_not_measured_is_left_empty(tmp_path, kind):
    data_info, shape = KINDS[kind]
    content = arrays(shape)
    content["measured"] = np.ones((3, *shape), bool)
    content["measured"][:, -3:] = False
    _, figure = words(draw, tmp_path, content, data_info, {"shown": 3, "of": "gradient"}, "A title")
    for axes in figure.axes[:6:2] if kind != "photograph" else ():
        assert all(np.isnan(line.get_ydata()[-3:]).all() for line in axes.lines)
    assert all(np.isfinite(axes.get_ylim()).all() for axes in figure.axes)
