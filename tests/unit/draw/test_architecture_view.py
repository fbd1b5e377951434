"""What the diagram of a network says and shows."""

import numpy as np
import pytest

from pellucid.draw.views.architecture import _heads, _lanes, draw
from tests.support.view_kinds import panels, words


def arrays(layers, edges):
    """Layers as (name, kind, group, shape, parameters)."""
    names, kinds, groups, shapes, parameters = zip(*layers, strict=True)
    return {
        "names": np.array(names), "kinds": np.array(kinds), "groups": np.array(groups),
        "shapes": np.array([" × ".join(map(str, shape)) for shape in shapes]),
        "positions": np.array([max(shape[:-1], default=1) for shape in shapes]),
        "filters": np.array([shape[-1] for shape in shapes]), "parameters": np.array(parameters),
        "trainable": np.array(parameters), "field": np.arange(1, len(names) + 1),
        "whole": np.array([False] * (len(names) - 1) + [True]),
        "within": np.array([""] * len(names)), "edges": np.array(edges),
    }  # fmt: skip


RESIDUAL = arrays(
    [
        ("image", "InputLayer", "input", (32, 32, 3), 0),
        ("conv", "Conv2D", "convolution", (32, 32, 8), 224),
        ("norm", "BatchNormalization", "norm, activation, dropout", (32, 32, 8), 32),
        ("relu", "ReLU", "norm, activation, dropout", (32, 32, 8), 0),
        ("branch", "Conv2D", "convolution", (32, 32, 8), 584),
        ("add", "Add", "merge", (32, 32, 8), 0),
        ("mean", "GlobalAveragePooling2D", "pooling", (8,), 0),
        ("classes", "Dense", "dense", (3,), 27),
    ],
    [(0, 1), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5), (5, 6), (6, 7)],
)


def test_says_names_shapes_parameters_and_fields(tmp_path):
    text, figure = words(draw, tmp_path, RESIDUAL, {}, {"rows": 40}, "A title")
    assert "A title" in text
    assert "8 layers, 867 parameters" in text
    for said in ("conv (Conv2D)", "32 × 32 × 8", "224 (26%)", "584 (67%)", "whole input", "convolution", "merge"):
        assert said in text
    assert "recurrent" not in text
    assert len(panels(figure)) == 1
    assert min(one.get_fontsize() for one in figure.axes[0].texts) >= 7


def test_small_layers_join_the_row_before_where_there_are_many(tmp_path):
    assert _heads(RESIDUAL) == [0, 1, 1, 1, 4, 5, 6, 7]
    text, _ = words(draw, tmp_path, RESIDUAL, {}, {"rows": 7}, "A title")
    assert "in 6 rows" in text
    assert "conv (Conv2D + BatchNormalization + ReLU)" in text
    assert "256 (30%)" in text


def test_nested_models_are_named(tmp_path):
    given = RESIDUAL | {"within": np.array(["", "stem", "stem", "stem", "", "", "", ""])}
    text, _ = words(draw, tmp_path, given, {}, {"rows": 40}, "A title")
    assert "stem" in text


@pytest.mark.parametrize(
    "edges",
    [
        [(0, 1), (1, 2), (2, 3)],
        [(0, 1), (0, 2), (1, 2), (2, 3), (2, 4), (3, 4)],
        [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (0, 5), (4, 5)],
        [(0, 1), (0, 5), (1, 2), (1, 4), (2, 3), (3, 4), (4, 5)],
    ],
)
def test_no_line_runs_through_a_layer_that_it_does_not_belong_to(edges):
    lanes = _lanes(max(b for _, b in edges) + 1, edges)
    for start, end in edges:
        # A line to an outer lane runs there; one to an inner lane runs where it began.
        lane = max(lanes[start], lanes[end])
        assert all(lanes[row] != lane for row in range(start + 1, end)), (edges, lanes)
