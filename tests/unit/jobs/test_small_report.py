"""A figure in the report has fewer pixels and colours than its file and looks like it; a page is there byte for byte."""

import base64
import io
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from pellucid.draw import style
from pellucid.jobs import small_report


@pytest.fixture
def figure(tmp_path, rng):
    drawn = style.new(6, 4)
    axes = drawn.subplots()
    axes.imshow(rng.random((12, 20)), cmap=style.DIVERGING)
    axes.set_title("A title")
    style.save(drawn, tmp_path / "figure.png")
    return tmp_path / "figure.png"


def test_a_figure_is_small_and_looks_as_it_was_drawn(figure):
    content = small_report.small_figure(figure)
    with Image.open(io.BytesIO(content)) as small, Image.open(figure) as drawn:
        assert small.format == "WEBP" and small.size == (600, 400)
        wanted = np.asarray(drawn.convert("RGB").resize(small.size, Image.Resampling.BOX), float)
        difference = np.abs(np.asarray(small.convert("RGB"), float) - wanted)
    assert difference.mean() < 3 and difference.max() < 40
    assert len(content) < 0.5 * figure.stat().st_size


def test_what_is_transparent_is_white(tmp_path):
    Image.new("RGBA", (30, 30), (0, 0, 0, 0)).save(tmp_path / "empty.png")
    with Image.open(io.BytesIO(small_report.small_figure(tmp_path / "empty.png"))) as small:
        assert (np.asarray(small.convert("RGB")) >= 250).all()


def test_a_page_is_read_back_byte_for_byte_and_ends_no_script(tmp_path):
    text = "<p>100% #1 \\ \u2028 é \"quoted\" 'x' `y`</p>\r\n\t<script>1 < 2 && 3 > 2</script> "
    (tmp_path / "page.html").write_bytes(text.encode())
    kind, _, body = str(small_report._address(tmp_path / "page.html", "text/html")).partition(",")
    assert kind == "data:text/html;charset=utf-8"
    assert unquote_to_bytes(body) == text.encode()
    assert body.isascii() and body.isprintable() and not set("<>\"\\#&'`") & set(body) and not body.endswith(" ")


def test_figures_become_addresses_and_other_files_are_left_to_snakemake(figure, tmp_path):
    address = small_report._address(figure, "image/png")
    assert address.startswith("data:image/webp;")
    assert base64.b64decode(address.split("base64,")[1]) == small_report.small_figure(figure)
    assert small_report._address(tmp_path / "table.csv", "text/csv") is None
