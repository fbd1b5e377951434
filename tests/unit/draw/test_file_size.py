"""Files of large figures get a palette, lines of many points become pixels in an SVG; small figures stay as they are."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from pellucid.draw import style
from pellucid.draw.shared import file_size, palette


def drawn(points, lines):
    """A figure with so many lines of so many points, without what the global style adds."""
    figure = style.new(6, 4)
    axes = figure.subplots()
    noise = np.random.default_rng(0).normal(size=(lines, points))
    for line in noise:
        axes.plot(line, linewidth=0.5)
    return figure


def test_a_figure_of_long_lines_is_small_in_both_formats(tmp_path):
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    style.save(drawn(5_000, 12), png, svg)
    text = svg.read_text()
    assert len(text) < file_size.LARGE
    assert text.count("data:image/png;base64") == 1
    assert png.stat().st_size < file_size.LARGE


def test_a_small_figure_keeps_its_lines_and_its_bytes(tmp_path):
    svg = tmp_path / "a.svg"
    style.save(drawn(400, 12), svg, tmp_path / "a.png")
    assert "data:image" not in svg.read_text()
    before = (tmp_path / "a.png").read_bytes()
    file_size.shrink(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == before
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode != "P"


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_palette_keeps_size_resolution_and_transparency_and_changes_colours_little(tmp_path, monkeypatch, mode):
    across = np.linspace(0, 255, 900)[None, :] * np.ones((700, 1))
    speckles = np.random.default_rng(0).integers(0, 6, (700, 900))
    layers = [across, 255 - across, speckles + 100.0, np.where(across < 128, 0, 255)]
    pixels = np.stack(layers[: len(mode)], -1).astype(np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path, dpi=(150, 150))
    before = path.stat().st_size
    monkeypatch.setattr(file_size, "LARGE", 1_000)
    file_size.shrink(path)
    assert path.stat().st_size < before
    with Image.open(path) as image:
        assert image.mode == "P" and image.size == (900, 700)
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        found = np.asarray(image.convert(mode)).astype(float)
    shown = np.ones((700, 900), bool) if mode == "RGB" else pixels[..., 3] > 0
    assert np.abs(found - pixels)[shown].mean() < 6
    if mode == "RGBA":
        np.testing.assert_array_equal(found[..., 3], pixels[..., 3])


def test_a_figure_is_drawn_once_for_each_of_its_files(tmp_path, monkeypatch):
    drawings, draw = [], Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda figure, renderer: drawings.append(renderer) or draw(figure, renderer))
    style.save(drawn(400, 2), tmp_path / "a.png", tmp_path / "a.svg")
    assert len(drawings) == 2


def test_a_palette_keeps_white_and_the_colour_of_a_small_spot(rng):
    pixels = np.full((600, 900, 3), 255, np.uint8)
    pixels[100:500, 100:800] = rng.integers(160, 256, (400, 700, 1))
    # Between the pixels by which most colours are chosen.
    pixels[301, 301] = (120, 10, 30)
    found = np.asarray(palette.of_colours(Image.fromarray(pixels)).convert("RGB"))
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[301, 301].tolist() == [120, 10, 30]
    assert np.abs(found.astype(int) - pixels).max() <= 4
