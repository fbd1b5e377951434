"""What the figure of the embedding says and shows."""

import numpy as np
import pytest

from pellucid.draw.views import embedding
from pellucid.draw.views.embedding import draw
from tests.support.view_kinds import panels, words


def arrays(classes):
    rng = np.random.default_rng(0)
    labels = np.arange(classes * 6) % classes
    predictions = labels.copy()
    predictions[:2] = (labels[:2] + 1) % classes
    return {
        "features": rng.normal(size=(len(labels), 20)).astype(np.float32),
        "pca": rng.normal(size=(len(labels), 2)).astype(np.float32),
        "tsne": rng.normal(size=(len(labels), 2)).astype(np.float32),
        "variance": np.array([0.6, 0.2]),
        "labels": labels,
        "predictions": predictions,
        "neighbours_same": np.array([0.9, 0.7, 0.8]),
        "chance": np.array(0.25),
        "total": np.array(2000),
        "layer": np.array("dense_1"),
    }


@pytest.mark.parametrize("classes", [2, 10, 60])
def test_says_what_the_planes_show(tmp_path, classes):
    data_info = {"classes": [f"c{label}" for label in range(classes)]}
    text, figure = words(draw, tmp_path, arrays(classes), data_info, {"neighbours": 10}, "A title")
    assert len(panels(figure)) == 2
    assert "A title" in text
    assert f"{6 * classes} of 2,000 test examples, 20 features of layer dense_1: 90% of the 10 nearest" in text
    assert "principal component 1 (60% of the variance)" in text
    assert "PCA: 70% of the nearest" in text
    assert "t-SNE: 80% of the nearest" in text
    assert "wrong (2)" in text
    assert "c1" in text


def test_no_two_of_many_classes_look_alike():
    looks = {(embedding._colour(label), embedding._marker(label)) for label in range(30)}
    assert len(looks) == 30


def test_every_error_has_a_ring(tmp_path):
    data_info = {"classes": ["a", "b", "c"]}
    given = arrays(3)
    _, figure = words(draw, tmp_path, given, data_info, {"neighbours": 10}, "A title")
    for axes, name in zip(panels(figure), ("pca", "tsne"), strict=True):
        rings = axes.collections[-1]
        assert len(rings.get_facecolor()) == 0
        np.testing.assert_allclose(rings.get_offsets(), given[name][:2])
