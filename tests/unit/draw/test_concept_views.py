"""What the figures of TCAV and of concept parts say and show."""

import numpy as np
import pytest

from pellucid.draw.views import concept_parts, tcav
from tests.support.view_kinds import KINDS, panels, words


def tcav_arrays(concepts=("spike", "_very long name of a concept that is broken"), layers=("conv_1", "dense")):
    rng = np.random.default_rng(0)
    shape = (len(layers), len(concepts), 3)
    p = np.full(shape, 0.9)
    p[0, 0, 0] = 0.001
    effects = np.full(shape, 0.04)
    effects[0, 0, 0] = -1.23
    return {
        "layers": np.array(layers),
        "concepts": np.array(concepts),
        "outputs": np.arange(3),
        "scores": rng.random(shape),
        "spread": np.full(shape, 0.1),
        "effects": effects,
        "p": p,
        "p_corrected": p,
        "accuracy": rng.uniform(0.5, 1, shape[:2]),
        "random_scores": rng.random((*shape, 20)),
        "random_effects": rng.random((*shape, 20)),
        "false_positives": np.array(0.06),
    }


def test_tcav_says_which_concepts_are_told_from_chance(tmp_path):
    data_info, _ = KINDS["signal"]
    text, figure = words(tcav.draw, tmp_path, tcav_arrays(), data_info, {}, "A title")
    assert len(panels(figure)) == 2 * 3
    for part in ("A title", "layer conv_1", "layer dense", "spike", "left", "right", "both", "corrected for 12 tests"):
        assert part in text
    assert "of random concepts, 6% have p &lt; 0.05" in text and "in units of the logit" in text
    assert "−1.2" in text and "+0.0" in text
    # Only what is told from random concepts is filled.
    points = [line for axes in panels(figure) for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() != "white" for line in points] == [True] + [False] * 11


def test_tcav_of_values_speaks_of_values(tmp_path):
    data_info, _ = KINDS["signal"]
    text, _ = words(tcav.draw, tmp_path, tcav_arrays(layers=("conv",)), data_info | {"task": "regression"}, {}, "T")
    assert "in which the value above rises" in text and "in units of the value" in text


def parts_arrays(shape, rows=2, top=2, drawn=1):
    rng = np.random.default_rng(0)
    axes = shape[:-1]
    crop_rows = np.arange(2 * rows * top).reshape(2, rows, top)
    crop_rows[1, 1, 1] = -1  # no crop has the concept
    return {
        "layer": np.array("relu_3"),
        "way": np.array("in_place"),
        "outputs": np.array([0, 2]),
        "numbers": np.array([3, 3]),
        "importance": np.array([[0.81, 0.2, 0.0], [0.5, 0.1, 0.0]]),
        "importance_sd": np.full((2, 3), 0.05),
        "effect": np.array([[2.5, -0.5, 0], [1, 0.25, 0]]),
        "kept": np.array([0.97, 0.6]),
        "scores": np.array([[7.0, 6.5, -0.5], [3, 0.1, 0]]),
        "doubtful": np.array([False, True]),
        "crop_size": np.array([max(1, length // 4) for length in axes]),
        "crop_rows": crop_rows,
        "crop_starts": np.ones((2, rows, top, len(axes)), np.int64),
        "crop_examples": rng.random((2, rows, top, *shape), np.float32),
        "inputs": rng.random((2, drawn, *shape), np.float32),
        "input_rows": np.array([[3], [-1]]),
        "presence": rng.random((2, drawn, rows, *axes), np.float32),
        "members": np.array([40, 12]),
    }


@pytest.mark.parametrize("kind", ["channels", "image"])
def test_concept_parts_say_what_each_concept_counts(tmp_path, kind):
    data_info, shape = KINDS[kind]
    text, figure = words(concept_parts.draw, tmp_path, parts_arrays(shape), data_info, {}, "A title")
    # Two classes of two rows: the numbers, two crops and an example, but for one crop and the example of one class.
    assert len(panels(figure)) == 2 * 2 * (1 + 2 + 1) - 1 - 2
    for part in (
        "A title: relu_3",
        "class left",
        "class both",
        "Sobol 0.81",
        "logit −2.5 without",
        "logit +0.5 without",
    ):
        assert part in text
    assert "3 concepts keep 97% of the squared features" in text
    assert "mean logit of test examples 7, from the concepts alone 6.5, without features −0.5" in text
    assert text.count("they do not stand for the logit") == 1
    assert ("pixels" if data_info["kind"] == "image" else "samples") + ", at their place in the example" in text


def test_concepts_that_there_are_not_are_neither_counted_nor_shown(tmp_path):
    data_info, shape = KINDS["channels"]
    content = parts_arrays(shape) | {"numbers": np.array([1, 3])}
    text, figure = words(concept_parts.draw, tmp_path, content, data_info, {}, "A title")
    assert "1 concept keeps 97%" in text
    assert len(panels(figure)) == (1 + 2) * (1 + 2 + 1) - 1 - 2
