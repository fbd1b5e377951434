"""Text files with lines of unequal lengths: check that their columns are clear, and put the series into one array."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.text_file import TextFile
from pellucid.errors import InputError

# A few long series among many short ones can make an array that no memory holds out of a small file.
_MOST_PADDED = 2**26  # samples: 512 MB
_MOST_TIMES = 20  # of the samples that there are


def require_clear_columns(text: TextFile) -> None:
    """Refuse lines of unequal lengths if it is not clear which cell belongs to which column.

    Raises:
        InputError: the columns are not clear, or unequal lengths are to be refused.
    """
    columns, width, path, layout = text.columns, text.width, text.path, text.layout
    before, after = count_around(text)
    lines, counts = [], []
    for line, cells in text.rows():
        lines.append(line)
        counts.append(len(cells))
    usual = Counter(counts).most_common(1)[0][0]
    if usual > width and min(counts) == usual:
        expected = f"{usual}, as many as every line below has cells"
        hint = "A column of row numbers needs a name too."
        raise InputError.unexpected(f"{path}, line {text.first}", f"{width} names", expected, hint)
    hint = ""
    if not layout.ragged:
        hint = "With lengths: pad or crop lines may have unequal lengths."
    elif columns.signal != tuple(range(before, width - after)) or layout.channels > 1:
        hint = "Lines may have unequal lengths only if they hold a signal of one channel, the label and the group."
    elif text.header and (after or max(counts) > width):
        hint = "Under a header, lines may only be shorter, and the label and the group must stand before the signal."
    if hint:
        usual = width if text.header else usual
        line, count = next(pair for pair in zip(lines, counts, strict=True) if pair[1] != usual)
        expected = f"{usual}, as {'the header has' if text.header else 'most lines have'}"
        raise InputError.unexpected(f"{path}, line {line}", f"{count} cells", expected, hint)
    if (least := min(counts)) - before - after < 1:
        raise InputError.unexpected(
            f"{path}, line {lines[counts.index(least)]}", f"{least} cell(s)", "a signal and a label"
        )


def count_around(text: TextFile) -> tuple[int, int]:
    """Return how many columns of label and group stand before the signal, and how many after it."""
    before = sum(at < min(text.columns.signal) for at in text.texts)
    return before, len(text.texts) - before


def padded(values: NDArray[np.float64], lengths: NDArray[np.int64], where: str) -> NDArray[np.float64]:
    """Put series, given one after another, into an array (N, the longest), with NaN after their ends.

    Raises:
        InputError: one series is so long that the array would be many times larger than the file's content.
    """
    longest = int(lengths.max())
    if (size := len(lengths) * longest) > max(_MOST_PADDED, _MOST_TIMES * len(values)):
        problem = (
            f"its {len(lengths):,} series have {int(np.median(lengths)):,} samples (median), but the longest has "
            f"{longest:,}; all brought to this length, they have {size:,} samples."
        )
        raise InputError(where, problem, "Cut the longest, or leave it out.")
    x = np.full((len(lengths), longest), np.nan, np.float64)
    x[np.arange(longest) < lengths[:, np.newaxis]] = values
    return x
