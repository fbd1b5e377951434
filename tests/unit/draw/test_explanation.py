"""What the figures of explanations say and show."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from pellucid import files
from pellucid.draw import style
from pellucid.draw.explanation import draw
from pellucid.draw.shared import coloured_lines
from tests.support import svg

SERIES = {"kind": "series", "unit": "mV", "sampling_rate_hz": 125.0}
KINDS = {
    "signal": (SERIES | {"channels": ["ECG"]}, (60, 1)),
    "channels": (SERIES | {"channels": ["acc x", "acc y", "gyro"], "sampling_rate_hz": None}, (50, 3)),
    "image": ({"kind": "image", "channels": ["ink"], "unit": "ink", "sampling_rate_hz": None}, (8, 8, 1)),
    "photograph": ({"kind": "image", "channels": ["r", "g", "b"], "unit": "", "sampling_rate_hz": None}, (9, 8, 3)),
}
METHODS = {"saliency": {"mode": "absolute"}, "occlusion": {"window": 3, "channels": "each"}, "grad_cam": {"relu": True}}


def arrange(folder, kind, method, truth=False):
    data_info, shape = KINDS[kind]
    rng = np.random.default_rng(0)
    p = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.05, 0.05, 0.9]])
    arrays = {
        "inputs": rng.random((4, *shape), np.float32),
        "labels": np.array([0, 1, 2, 2]),
        "predictions": p.argmax(1),
        "probabilities": p,
        "targets": np.array([0, 1, 1, 0]),
        "variants": np.array([method]),
        "attributions": rng.normal(size=(1, 4, *shape)).astype(np.float32),
    }
    if method != "occlusion":
        arrays["attributions"] = np.abs(arrays["attributions"])
    if truth:
        arrays["truth"] = arrays["inputs"] > 0.8
    files.write_json(folder / "data.json", {**data_info, "classes": ["left", "right", "both"]})
    files.write_arrays(folder / "attributions.npz", arrays)
    paths = [folder / f"{method}.png", folder / f"{method}.svg"]
    draw(
        method=method,
        variant=method,
        parameters=METHODS[method],
        title="A title",
        data=folder / "data.json",
        attributions=folder / "attributions.npz",
        pictures=paths,
    )
    return paths


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_says_classes_predictions_units_and_settings(tmp_path, kind, method):
    png, picture = arrange(tmp_path, kind, method)
    assert png.stat().st_size > 5000
    words = " ".join(svg.words(picture))
    assert "A title" in words
    assert {"saliency": "∂ logit / ∂ input", "occlusion": "drop of the logit", "grad_cam": "weighted"}[method] in words
    for name in ("left", "right", "both"):
        assert name in words
    assert "explained: left" in words
    if kind in ("signal", "channels"):
        assert "both, taken for right, p = 0.60" in words
        assert ("time (s)" if kind == "signal" else "sample") in words
    else:
        assert "both → right" in words
    if kind == "channels" and method != "grad_cam":
        assert words.count("acc x") >= 2


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for one, two in zip(
        arrange(tmp_path / "a", "signal", "occlusion"), arrange(tmp_path / "b", "signal", "occlusion"), strict=True
    ):
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(("kind", "word"), [("signal", "bar: the samples"), ("channels", "frame: the cells")])
def test_planted_evidence_is_shown_and_named(tmp_path, kind, word):
    without = tmp_path / "without"
    without.mkdir()
    _, plain = arrange(without, kind, "occlusion")
    _, marked = arrange(tmp_path, kind, "occlusion", truth=True)
    assert word in marked.read_text()
    assert word not in plain.read_text()


def test_each_sample_of_the_line_has_the_colour_of_its_attribution():
    figure = style.new(4, 2)
    axes = figure.subplots()
    attribution = np.array([0.0, 1.0, 0.25, 0.5], np.float32)
    scale = style.Scale.of(attribution, signed=False)
    time, signal = np.arange(4.0), np.array([0, 2, 1, 3], np.float32)
    coloured_lines.coloured_line(axes, time, signal, attribution, scale)
    (lines,) = [found for found in axes.collections if isinstance(found, LineCollection)]
    lines.update_scalarmappable()
    for segment, value, colour in zip(lines.get_segments(), lines.get_array(), lines.get_colors(), strict=True):
        sample = int(segment[1, 0])
        assert segment[1, 1] == signal[sample]
        assert value == attribution[sample]
        np.testing.assert_allclose(colour, scale.colours(scale.norm(attribution[sample])))
    # Strong ones lie on top.
    assert list(lines.get_array()) == sorted(attribution)


def test_the_scale_is_shared_symmetric_where_signed_and_cut_at_spikes():
    values = np.concatenate([np.linspace(-1, 1, 999), [50.0]]).astype(np.float32)
    signed, plain = style.Scale.of(values, signed=True), style.Scale.of(np.abs(values), signed=False)
    assert signed.norm.vmin == -signed.norm.vmax
    assert plain.norm.vmin == 0
    assert plain.norm.vmax < 2
    assert (signed.extend, plain.extend) == ("both", "max")
    assert style.Scale.of(np.zeros((3, 4), np.float32), signed=True).norm.vmax > 0


@pytest.mark.parametrize("colours", [style.SEQUENTIAL, style.DIVERGING])
def test_colours_darken_evenly_so_that_they_are_read_without_hue(colours):
    rgb = colours(np.linspace(0, 1, 101))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    upper = luminance[50:] if colours is style.DIVERGING else luminance
    assert (np.diff(upper) < 0).all()
    if colours is style.DIVERGING:
        assert (np.diff(luminance[:51]) > 0).all()
