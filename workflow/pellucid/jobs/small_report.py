"""Make Snakemake's report small, and let its figures be seen whole in a window of any size.

Snakemake puts each file into its report as it is, in base64, and centres it, so that the top of what is higher than
the window cannot be reached. Where it turns a file into an address and where it reads a style sheet, both are replaced
here; an option on the command line could do neither for plain `snakemake --report`. Another minor version of Snakemake
than the known one writes its report as ever.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pellucid.jobs.warm_start import KNOWN

logger = logging.getLogger(__name__)

# Figures have 150 pixels to an inch, which is 1.5 times what a window shows.
_SHRINK = 1.5
_COLOURS = 256
# Letters that stay as they are in an address of text: neither those that end an address, or a script that holds it, nor
# those that JSON would write longer.
_PLAIN = "+/=,:;{}[]()!*$@?-_.~"


def install(style: Path) -> None:
    """Let the report of this run of Snakemake have small figures, and a style sheet of ours before the user's.

    Args:
        style: the style sheet.
    """
    import snakemake

    if not snakemake.__version__.startswith(KNOWN):
        logger.warning("The report keeps figures at full size: Snakemake %s is unknown.", snakemake.__version__)
        return
    from snakemake.report.html_reporter import Reporter
    from snakemake.report.html_reporter.data import results

    as_ever = results.get_result_uri
    begin = Reporter.__post_init__

    def small(result: Any, embedded: bool) -> str:
        return (embedded and _address(Path(result.path), result.mime)) or str(as_ever(result, embedded))

    def styled(self: Any) -> None:
        begin(self)
        self.custom_stylesheet = style.read_text(encoding="utf-8") + (self.custom_stylesheet or "")

    results.get_result_uri, Reporter.__post_init__ = small, styled


def _address(path: Path, mime: str) -> str | None:
    """Return an address that holds a figure or a page; None for another kind of file."""
    if mime == "image/png":
        from snakemake.report.common import data_uri

        return str(data_uri(small_figure(path), f"{path.stem}.webp", mime="image/webp"))
    if mime == "text/html":
        # Most of a page is base64 already, which a second one would make a third longer.
        return f"data:text/html;charset=utf-8,{quote(path.read_bytes(), safe=_PLAIN)}"
    return None


def small_figure(path: Path) -> bytes:
    """Return a figure as WebP, for a window: fewer pixels, each of the nearest of 256 colours, and then exact."""
    from PIL import Image

    with Image.open(path) as file:
        pixels = Image.alpha_composite(Image.new("RGBA", file.size, "white"), file.convert("RGBA")).convert("RGB")
    size = [max(1, round(length / _SHRINK)) for length in pixels.size]
    small = pixels.resize((size[0], size[1]), Image.Resampling.BOX)
    few = small.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")
    content = io.BytesIO()
    few.save(content, "WEBP", lossless=True, method=4)
    return content.getvalue()
