"""Text files whose lines are of unequal lengths: whether that can be, and their series in one array."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.text_file import TextFile
from pellucid.errors import InputError

# A few long series among many short ones can make an array that no memory holds out of a small file.
_MOST_PADDED = 2**26  # samples: 512 MB
_MOST_TIMES = 20  # of the samples that there are


def require_findable(text: TextFile) -> None:
    """Refuse lines of unequal lengths of which it is not clear which cell belongs to which column.

    Raises:
        InputError: as said, or lengths that are to be refused.
    """
    columns, width, path, layout = text.columns, text.width, text.path, text.layout
    before, after = around(text)
    lines, counts = [], []
    for line, cells in text.rows():
        lines.append(line)
        counts.append(len(cells))
    usual = Counter(counts).most_common(1)[0][0]
    if usual > width and min(counts) == usual:
        expected = f"{usual}, as many as every line below has cells"
        raise InputError.unexpected(
            f"{path}, line {text.first}", f"{width} names", expected, "A row number needs a name of its own."
        )
    hint = ""
    if not layout.ragged:
        hint = "lengths: pad or crop takes lines of unequal lengths."
    elif columns.signal != tuple(range(before, width - after)) or layout.channels > 1:
        hint = "Lines can be of unequal lengths where they hold a signal of one channel, the label and the group alone."
    elif text.header and (after or max(counts) > width):
        hint = "Under a header, lines may only end early, and the label and the group stand before the signal."
    if hint:
        usual = width if text.header else usual
        line, count = next(each for each in zip(lines, counts, strict=True) if each[1] != usual)
        expected = f"{usual}, as {'the header has' if text.header else 'most lines have'}"
        raise InputError.unexpected(f"{path}, line {line}", f"{count} cells", expected, hint)
    if (least := min(counts)) - before - after < 1:
        raise InputError.unexpected(
            f"{path}, line {lines[counts.index(least)]}", f"{least} cell(s)", "a signal and a label"
        )


def around(text: TextFile) -> tuple[int, int]:
    """How many of label and group stand before the signal, and how many after it."""
    before = sum(at < min(text.columns.signal) for at in text.texts)
    return before, len(text.texts) - before


def padded(values: NDArray[np.float64], lengths: NDArray[np.int64], where: str) -> NDArray[np.float64]:
    """Put series that follow each other into (N, the longest), with NaN after their ends.

    Raises:
        InputError: one series so much longer than the others that the array would be many times what the file holds.
    """
    longest = int(lengths.max())
    if (size := len(lengths) * longest) > max(_MOST_PADDED, _MOST_TIMES * len(values)):
        found = f"{len(lengths):,} series of {int(np.median(lengths)):,} samples (median), and one of {longest:,}"
        expected = f"series whose lengths differ less: as long as the longest they have {size:,} samples"
        raise InputError.unexpected(where, found, expected, "Cut the longest, or leave it out.")
    x = np.full((len(lengths), longest), np.nan, np.float64)
    x[np.arange(longest) < lengths[:, np.newaxis]] = values
    return x
