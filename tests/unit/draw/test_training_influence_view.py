"""What the figure of influential training examples says and shows."""

import numpy as np
import pytest

from pellucid.draw.views.training_influence import draw
from tests.support.view_kinds import KINDS, panels, words


def arrays(shape, nearest=False):
    rng = np.random.default_rng(0)
    content = {
        "inputs": rng.random((2, *shape), np.float32),
        "labels": np.array([0, 1]),
        "predictions": np.array([0, 2]),
        "targets": np.array([0, 2]),
        "supporting": rng.random((2, 2, *shape), np.float32),
        "supporting_labels": np.array([[0, 0], [2, 1]]),
        "supporting_values": np.array([[0.5, 0.25], [3, 2]]),
        "same_class": np.array([1.0, 0.6]),
        "suspects": rng.random((3, *shape), np.float32),
        "suspect_labels": np.array([0, 1, 2]),
        "suspect_predictions": np.array([1, 1, 0]),
        "layer": np.array("features"),
        "compared": np.array(1234),
        "epochs": np.array([], np.int64),
    }
    if not nearest:
        content |= {
            "opposing": rng.random((2, 2, *shape), np.float32),
            "opposing_labels": np.array([[1, 1], [0, 0]]),
            "opposing_values": np.array([[-0.75, -0.5], [-2, -1]]),
        }
    return content


@pytest.mark.parametrize("kind", KINDS)
def test_says_what_supports_and_what_opposes(tmp_path, kind):
    data_info, shape = KINDS[kind]
    text, figure = words(draw, tmp_path, arrays(shape), data_info, {"shown": 2, "of": "score"}, "A title")
    assert len(panels(figure)) == 2 * 5 + 3
    for part in (
        "influence on the score of the explained class", "layer features, final weights; 1,234 training examples compared",
        "80% have the class that the model predicts", "left: +0.5", "right: −0.75", "support it", "oppose it",
        "left / right", "right / right", "largest influence on themselves",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("epochs", "form"), [([3], "1 checkpoint to epoch 3"), ([4, 8, 9], "3 checkpoints to epoch 9")]
)
def test_says_over_how_many_checkpoints(tmp_path, epochs, form):
    data_info, shape = KINDS["channels"]
    content = arrays(shape) | {"epochs": np.array(epochs)}
    text, _ = words(draw, tmp_path, content, data_info, {"shown": 1, "of": "score"}, "A title")
    assert f"layer features, over {form}; 1,234" in text
    assert "final weights" not in text


def test_the_nearest_have_distances_and_no_opponents(tmp_path):
    data_info, shape = KINDS["channels"]
    text, figure = words(draw, tmp_path, arrays(shape, nearest=True), data_info, {"shown": 1, "of": "nearest"}, "T")
    assert len(panels(figure)) == 3 + 3
    assert "left: d = 0.5" in text
    assert "oppose it" not in text
    assert "1 of 2 examples" in text


def test_names_the_class_that_is_meant_where_it_is_not_the_predicted_one(tmp_path):
    data_info, shape = KINDS["channels"]
    names = data_info["classes"]
    content = arrays(shape) | {"targets": np.array([0, 1])}
    text, _ = words(draw, tmp_path, content, data_info, {"shown": 2, "of": "score"}, "A title")
    assert f"explained: {names[1]}" in text
    assert f"explained: {names[0]}" not in text
    text, _ = words(draw, tmp_path, content, data_info, {"shown": 2, "of": "loss"}, "A title")
    assert f"class: {names[1]}" in text
    assert "explained:" not in text


def test_what_does_not_support_an_example_is_not_shown_as_if_it_did(tmp_path):
    data_info, shape = KINDS["channels"]
    content = arrays(shape) | {"supporting_values": np.array([[0.5, -0.25], [0, -2]])}
    text, figure = words(draw, tmp_path, content, data_info, {"shown": 2, "of": "score"}, "A title")
    assert len(panels(figure)) == 2 * 5 + 3 - 3
    assert "no further training example supports" in text
    assert "−0.25" not in text


def test_a_suspect_beyond_the_other_examples_is_inside_its_panel(tmp_path):
    data_info, shape = KINDS["signal"]
    content = arrays(shape)
    content["suspects"][0, 3] = 50
    _, figure = words(draw, tmp_path, content, data_info, {"shown": 2, "of": "score"}, "A title")
    highest = max(line.get_ydata().max() for axes in panels(figure) for line in axes.lines)
    assert highest == 50
    assert all(axes.get_ylim()[1] > 50 for axes in panels(figure))
