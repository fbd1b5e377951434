"""Fonts for the letters that matplotlib's own has not: Chinese, Japanese, Korean, Arabic, Devanagari and others."""

from __future__ import annotations

import importlib.util
import logging
import unicodedata
from functools import cache
from pathlib import Path

from matplotlib import font_manager, ft2font
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from pellucid.user_text import readable

logger = logging.getLogger(__name__)

FIRST = "DejaVu Sans"
# Packages that bring a font each; looked through in this order, before what the machine has.
PACKAGES = ("fontpkg_noto_sans_arabic", "fontpkg_noto_sans_devanagari", "noto_cjk_sans_jp_regular")
# matplotlib brings it to show what no font has: a box with the name of the block.
_LAST_RESORT = "Last Resort"


def fit(figure: Figure) -> None:
    """Make every text of a figure be drawn as it is written: no formulas, and with fonts that have its letters.

    A text that the first font can draw keeps its font, so that the file is the same on every machine.
    """
    formulas = _formulas(figure)
    unknown: set[str] = set()
    for text in figure.findobj(Text):
        if text in formulas:
            continue
        text.set_parse_math(False)
        words = "\n".join(readable(line) for line in text.get_text().split("\n"))
        if words != text.get_text():
            text.set_text(words)
        if lacking := _lacking(words):
            families, left = _families(frozenset(lacking))
            unknown |= left
            if families:
                text.set_fontfamily([FIRST, *families])
    if unknown:
        names = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in sorted(unknown)[:8])
        logger.warning(
            "no font of this machine has %s: boxes stand for them in the figure; the tables have the words", names
        )


def _formulas(figure: Figure) -> set[Text]:
    """The numbers of logarithmic axes, which matplotlib writes as formulas; and the labels of all axes are made here.

    Labels are made when an axis is first asked for them, and a text must be fit before the layout measures it.
    """
    found: set[Text] = set()
    # Axes that are switched off, as of hundreds of pictures, have no labels.
    for axes in (axes for axes in figure.axes if axes.axison and axes.get_visible()):
        for axis in (axes.xaxis, axes.yaxis):
            for labels, formatter in (
                (axis.get_ticklabels(), axis.get_major_formatter()),
                (axis.get_ticklabels(minor=True), axis.get_minor_formatter()),
            ):
                if isinstance(formatter, LogFormatter):
                    found |= set(labels)
    return found


def _lacking(words: str) -> set[str]:
    """The letters of a text that the first font has not; marks without a shape of their own need none."""
    known = _letters(font_manager.findfont(FIRST))
    return {letter for letter in words if ord(letter) not in known and unicodedata.category(letter) not in ("Cf", "Cc")}


@cache
def _families(letters: frozenset[str]) -> tuple[tuple[str, ...], set[str]]:
    """The fonts that have the letters, the fewest by greedy choice; and the letters that none has."""
    families, left = list[str](), set(letters)
    for family, path in _others():
        if left and (had := {letter for letter in left if ord(letter) in _letters(path)}):
            families.append(family)
            left -= had
    return tuple(families), left


@cache
def _others() -> tuple[tuple[str, str], ...]:
    """The families beside the first one with a file of each: those of the packages, then those of the machine."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in _files_of(package):
            font_manager.fontManager.addfont(path)
            found.setdefault(font_manager.get_font(path).family_name, path)
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        if entry.style == "normal" and not entry.name.startswith((_LAST_RESORT, "cm", "STIX", "DejaVu")):
            found.setdefault(entry.name, entry.fname)
    return tuple(found.items())


def _files_of(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    return [str(path) for folder in folders for path in sorted(Path(folder).rglob("*.[ot]tf"))]


@cache
def _letters(path: str) -> frozenset[int]:
    """The letters that a font file has, as numbers."""
    try:
        return frozenset(ft2font.FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
