"""Fonts for letters that matplotlib's own font lacks: Chinese, Japanese, Korean, Arabic, Devanagari and others."""

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
# Packages with one font each, searched in this order before the fonts of the machine.
PACKAGES = ("fontpkg_noto_sans_arabic", "fontpkg_noto_sans_devanagari", "noto_cjk_sans_jp_regular")
# A font of matplotlib for letters that no other font has: it shows boxes.
_LAST_RESORT = "Last Resort"


def fit(figure: Figure) -> None:
    """Make sure that every text is drawn as it is written: not as a formula, and with fonts that have its letters.

    A text that the first font can draw keeps this font, so that the file is the same on every machine.
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
            families, missing = _families(frozenset(lacking))
            unknown |= missing
            if families:
                text.set_fontfamily([FIRST, *families])
    if unknown:
        names = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in sorted(unknown)[:8])
        logger.warning(
            "no font of this machine has %s: the figure shows boxes instead; the tables have the texts", names
        )


def _formulas(figure: Figure) -> set[Text]:
    """Return the numbers of logarithmic axes, which matplotlib writes as formulas.

    As a side effect, the labels of all axes are created: matplotlib makes them when they are first asked for, and each
    text needs its font before the layout measures it.
    """
    formulas: set[Text] = set()
    # Axes that are switched off, as those of pictures are, have no labels.
    for axes in (axes for axes in figure.axes if axes.axison and axes.get_visible()):
        for axis in (axes.xaxis, axes.yaxis):
            for labels, formatter in (
                (axis.get_ticklabels(), axis.get_major_formatter()),
                (axis.get_ticklabels(minor=True), axis.get_minor_formatter()),
            ):
                if isinstance(formatter, LogFormatter):
                    formulas |= set(labels)
    return formulas


def _lacking(words: str) -> set[str]:
    """Return the letters of a text that the first font lacks; control marks are not drawn and do not count."""
    known = _letters(font_manager.findfont(FIRST))
    return {letter for letter in words if ord(letter) not in known and unicodedata.category(letter) not in ("Cf", "Cc")}


@cache
def _families(letters: frozenset[str]) -> tuple[tuple[str, ...], set[str]]:
    """Return a few fonts that have the letters together, chosen greedily, and the letters that no font has."""
    families, missing = list[str](), set(letters)
    for family, path in _others():
        if missing and (present := {letter for letter in missing if ord(letter) in _letters(path)}):
            families.append(family)
            missing -= present
    return tuple(families), missing


@cache
def _others() -> tuple[tuple[str, str], ...]:
    """Return all font families but the first, each with a file: those of the packages, then those of the machine."""
    path_of: dict[str, str] = {}
    for package in PACKAGES:
        for path in _files_of(package):
            font_manager.fontManager.addfont(path)
            path_of.setdefault(font_manager.get_font(path).family_name, path)
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        if entry.style == "normal" and not entry.name.startswith((_LAST_RESORT, "cm", "STIX", "DejaVu")):
            path_of.setdefault(entry.name, entry.fname)
    return tuple(path_of.items())


def _files_of(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    return [str(path) for folder in folders for path in sorted(Path(folder).rglob("*.[ot]tf"))]


@cache
def _letters(path: str) -> frozenset[int]:
    """Return the letters that a font file has, as numbers."""
    try:
        return frozenset(ft2font.FT2Font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
