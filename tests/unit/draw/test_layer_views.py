"""What the figures of filters, activations, feature maps and maximal activations say and show."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pellucid.draw import style
from pellucid.draw.shared import heat_rows
from pellucid.draw.views import activations, feature_maps, filters, maximal_activations
from tests.support.view_kinds import KINDS, panels, words


def examples(shape, count):
    rng = np.random.default_rng(0)
    p = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3]])[:count]
    return {
        "inputs": rng.random((count, *shape), np.float32),
        "labels": np.arange(3)[:count],
        "predictions": p.argmax(1),
        "probabilities": p,
        "indices": np.arange(count),
    }


def field(shape, size=3, padding=0):
    """Of a convolution of some size: (axes, 4)."""
    return np.array([[size, 1, -padding, length + 2 * padding - size + 1] for length in shape[:-1]])


def pictures(figure):
    return [image for axes in figure.axes for image in axes.images]


def legible(figure):
    """Every text has at least 7 points, and lies inside of the figure."""
    figure.draw_without_rendering()
    renderer, page = FigureCanvasAgg(figure).get_renderer(), figure.bbox
    for text in [*figure.texts, *(text for axes in panels(figure) for text in axes.texts)]:
        assert text.get_fontsize() >= 7, text
        box = text.get_window_extent(renderer)
        assert box.x0 >= -1 and box.x1 <= page.x1 + 1, text
        assert box.y0 >= -1 and box.y1 <= page.y1 + 1, text
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_filters_of_the_first_layer(tmp_path, kind):
    data_info, shape = KINDS[kind]
    kernels = np.random.default_rng(0).normal(size=(40, *(3,) * (len(shape) - 1), shape[-1])).astype(np.float32)
    order = np.arange(40)[::-1]
    given = {
        "kernels": kernels, "norms": np.ones(40), "order": order, "layer": np.array("conv_1"),
        "step": np.ones(len(shape) - 1, int), "on_input": np.array(True),
    }  # fmt: skip
    text, figure = words(filters.draw, tmp_path, given, data_info, {"shown": 12, "channels": 8}, "A title")
    assert "A title: conv_1" in text
    assert "12 of 40 filters of size 3" in text
    assert "#39" in text
    assert "#28" in text
    assert "#27" not in text
    assert legible(figure)
    if kind in ("signal", "channels"):
        assert len(panels(figure)) == 12
        assert "time (ms)" in text
        assert "16" in text  # two steps of 8 ms
        assert ("gyro" in text) == (kind == "channels")
    else:
        bars = 2 if kind == "image" else 1  # a colour bar is an image or a mesh on axes of its own
        assert len(panels(figure)) == bars
        assert len(figure.axes[0].images) == 12
    if kind == "photograph":
        shown = figure.axes[0].images[0].get_array()
        top = style.Scale.of(kernels[order[:12]], signed=True).norm.vmax
        np.testing.assert_allclose(shown, np.clip(0.5 + kernels[39] / (2 * top), 0, 1), rtol=1e-5)


@pytest.mark.parametrize(("axes", "on_each"), [(1, "time (ms)"), (2, "input channels of the largest norm")])
def test_filters_with_many_inputs_show_the_strongest(tmp_path, axes, on_each):
    kernels = np.random.default_rng(0).normal(size=(10, *(3,) * axes, 50)).astype(np.float32)
    kernels[4, ..., 17] *= 30
    given = {
        "kernels": kernels, "norms": np.ones(10), "order": np.array([4, *range(4), *range(5, 10)]),
        "layer": np.array("conv_2"), "step": np.full(axes, 2), "on_input": np.array(False),
    }  # fmt: skip
    data_info = KINDS["channels" if axes == 1 else "image"][0]
    text, figure = words(filters.draw, tmp_path, given, data_info, {"shown": 64, "channels": 5}, "A title")
    assert "all 10 filters" in text
    assert "5 of 50 input channels of the largest norm" in text
    assert on_each in text
    first = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(first[0] if axes == 1 else first, kernels[4, ..., 17])
    assert legible(figure)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_activations(tmp_path, kind, whole):
    data_info, shape = KINDS[kind]
    maps = np.abs(np.random.default_rng(1).normal(size=(3, 4, *(length - 2 for length in shape[:-1])))).astype(
        np.float32
    )
    units = np.array([[2, *(length // 2 for length in shape[:-1])]] * 3)
    given = examples(shape, 3) | {
        "layer": np.array("conv_1"), "filters": np.array([7, 3, 12, 0]), "maps": maps, "units": units,
        "n_filters": np.array(16), "field": field(shape), "whole": np.array(whole),
    }  # fmt: skip
    text, figure = words(activations.draw, tmp_path, given, data_info, {}, "A title")
    assert "A title: conv_1" in text
    assert "4 of 16 filters" in text
    assert ("the whole input" in text) == whole
    assert "both → right, p = 0.60" in text.replace("&gt;", ">")
    assert text.count("#12") >= 1
    assert legible(figure)
    assert len(pictures(figure)) >= (3 if data_info["kind"] == "series" else 3 * 5)
    if data_info["kind"] == "series":
        assert "time (s)" in text
        signal, rows = figure.axes[0], figure.axes[3]
        assert signal.get_xlim() == rows.get_xlim()
        if not whole:
            # The maps begin and end half a window inside of the input.
            left, right, _, _ = rows.images[0].get_extent()
            np.testing.assert_allclose([left, right], [0.5 / 125, (shape[0] - 1.5) / 125])


def test_units_lie_where_their_field_has_its_middle():
    assert heat_rows.units_at(np.array([53, 5, 0, 10]), False, 10, 100) == (26.0, 5.0)
    assert heat_rows.units_at(np.array([3, 1, -1, 100]), False, 100, 100) == (0.0, 1.0)
    # Without a place of their own they share the input evenly.
    assert heat_rows.units_at(np.array([100, 0, 0, 1]), True, 10, 100) == (4.5, 10.0)


@pytest.mark.parametrize("kind", KINDS)
def test_feature_maps(tmp_path, kind):
    data_info, shape = KINDS[kind]
    rng = np.random.default_rng(1)
    given = examples(shape, 1) | {
        "layers": np.array(["conv_1", "a_layer_with_a_long_name"]), "n_filters": np.array([16, 3]),
        "field": np.stack([field(shape), field(shape, 5)]), "whole": np.array([False, False]),
    }  # fmt: skip
    sizes = []
    for index, (size, count) in enumerate([(3, 8), (5, 3)]):
        axes = tuple(length - size + 1 for length in shape[:-1])
        sizes.append(axes)
        given |= {
            f"maps_{index}": rng.normal(size=(count, *axes)).astype(np.float32),
            f"filters_{index}": np.arange(count),
        }
    given["maps_1"] = np.abs(given["maps_1"])
    given["sizes"] = np.array(sizes)
    text, figure = words(feature_maps.draw, tmp_path, given, data_info, {"shown": 8}, "A title")
    assert "A title: left, p = 0.90" in text
    assert "8 of 16 maps" in text
    assert "all 3 maps" in text
    assert "a_layer_with_a_long_name" in text
    assert text.count("colours end at ±") == 1
    assert len(pictures(figure)) == (2 if data_info["kind"] == "series" else 1 + 8 + 3)
    assert legible(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_maximal_activations(tmp_path, kind):
    data_info, shape = KINDS[kind]
    rng = np.random.default_rng(1)
    axes = len(shape) - 1
    starts = np.stack([np.arange(6).reshape(2, 3) - 1] * axes, -1)
    contexts = rng.random((2, 3, *shape), np.float32)
    patches = rng.random((2, 3, *(4,) * axes, shape[-1]), np.float32)
    patches[0, 0, 0] = np.nan
    given = {
        "field": np.array([[4, 2, -1, 5]] * axes), "whole": np.array(False), "layer": np.array("conv_2"),
        "n_filters": np.array(64), "searched": np.array(400), "filters": np.array([31, 5]),
        "values": np.array([[9, 8, 7.25], [6, 5, 4]]), "examples": np.arange(6).reshape(2, 3),
        "labels": np.array([[0, 1, 2], [2, 2, 2]]), "units": starts, "patches": patches, "starts": starts,
        "contexts": contexts,
    }  # fmt: skip
    text, figure = words(maximal_activations.draw, tmp_path, given, data_info, {"order": "strongest"}, "A title")
    assert "A title: conv_2" in text
    assert "2 of 64 filters, the largest activations first; the strongest places in 400 test examples" in text
    assert "#31" in text
    assert "both: 7.25" in text
    assert legible(figure)
    if data_info["kind"] == "series":
        assert len(panels(figure)) == 6
        assert "time (s)" in text
        # The coloured line is the patch, at its own time.
        line = figure.axes[4].lines[1]
        np.testing.assert_allclose(line.get_xdata(), (3 + np.arange(4)) / 125)
    else:
        assert len(pictures(figure)) == 12
        assert "row 3" in text


def test_a_patch_that_is_all_ink_is_not_blank():
    data_info, shape = KINDS["image"]
    context = np.zeros((1, 1, *shape), np.float32)
    context[0, 0, 2:6, 2:6] = 1
    given = {
        "field": np.array([[4, 1, 0, 5]] * 2), "whole": np.array(False), "layer": np.array("conv_2"),
        "n_filters": np.array(1), "searched": np.array(1), "filters": np.array([0]), "values": np.ones((1, 1)),
        "examples": np.zeros((1, 1), int), "labels": np.zeros((1, 1), int), "units": np.full((1, 1, 2), 2),
        "patches": context[:, :, 2:6, 2:6], "starts": np.full((1, 1, 2), 2), "contexts": context,
    }  # fmt: skip
    with style.styled():
        patch, whole = pictures(maximal_activations.draw(given, data_info, {"order": "first"}, "A title"))
    np.testing.assert_array_equal(patch.to_rgba(patch.get_array())[..., :3], 0)
    assert patch.get_clim() == whole.get_clim() == (0, 1)


@pytest.mark.parametrize("kind", ["signal", "channels"])
def test_the_padding_of_an_example_is_no_line(tmp_path, kind):
    data_info, shape = KINDS[kind]
    given = {
        **examples(shape, 2), "layer": np.array("conv"), "filters": np.arange(2), "n_filters": np.array(2),
        "maps": np.ones((2, 2, shape[0] - 2), np.float32), "field": field(shape), "whole": np.array(False),
        "units": np.array([[0, 3], [1, 4]]), "measured": np.ones((2, *shape), bool),
    }  # fmt: skip
    given["measured"][:, -5:] = False
    _, figure = words(activations.draw, tmp_path, given, data_info, {"shown": 2}, "A title")
    lines = [line.get_ydata() for axes in figure.axes[:2] for line in axes.lines if len(line.get_ydata()) == shape[0]]
    assert len(lines) == 2 * shape[-1]
    assert all(np.isnan(line[-5:]).all() and np.isfinite(line[:-5]).all() for line in lines)


@pytest.mark.parametrize("jump", [3, -3])
def test_the_frame_lies_around_the_most_active_unit(tmp_path, jump):
    data_info, shape = KINDS["signal"]
    start = 0 if jump > 0 else 57
    given = {
        **examples(shape, 1), "layer": np.array("conv"), "filters": np.arange(2), "n_filters": np.array(2),
        "maps": np.zeros((1, 2, 20), np.float32), "field": np.array([[3, jump, start, 20]]), "whole": np.array(False),
        "units": np.array([[1, 4]]),
    }  # fmt: skip
    given["maps"][0, 1, 4] = 1
    _, figure = words(activations.draw, tmp_path, given, data_info, {"shown": 2}, "A title")
    (frame,) = [patch for patch in figure.axes[1].patches if not patch.get_fill()]
    middle = (frame.get_x() + frame.get_width() / 2) * 125
    np.testing.assert_allclose(middle, start + 4 * jump + 1, atol=1e-6)
    np.testing.assert_allclose(frame.get_width() * 125, 3, atol=1e-6)
