"""The groups of the test examples (recordings, patients). If there are any, intervals and tests are over groups.

The explanations of one example for several labels or values are a group, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.score.shared.bootstrap import FEWEST_GROUPS

if TYPE_CHECKING:
    import pandas as pd

COLUMN = "groups"  # of tables: the number of groups that an interval is over


def of_test(groups: Path | str | None) -> NDArray[np.str_] | None:
    """Return the group of each test example, (test examples,); None where the data source names none.

    Args:
        groups: `groups.npz`; None without such a file.
    """
    return None if groups is None else files.read_arrays(groups).get("test")


def members_of(indices: NDArray[np.int64], of_test: NDArray[np.str_] | None) -> NDArray[np.generic] | None:
    """Return the group of each explained example, (N,); None where they are independent of each other.

    Args:
        indices: (N,) of the test examples; one that is explained for several labels or values is there several times.
        of_test: the group of every test example; None without groups: the example itself is the group, if it is there
            several times, since its labels are no draws of their own.
    """
    if of_test is not None:
        return np.asarray(of_test[indices])
    return indices if len(np.unique(indices)) < len(indices) else None


def codes_of(groups: NDArray[np.generic] | None) -> NDArray[np.int64] | None:
    """Return the number of each example's group, (N,) from 0; None where no two examples are from one group."""
    if groups is None:
        return None
    names, codes = np.unique(groups, return_inverse=True)
    return None if len(names) == len(groups) else codes.astype(np.int64)


def counted_in(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its column `groups` as whole numbers; without the column where no row has any groups."""
    if table[COLUMN].isna().all():
        return table.drop(columns=COLUMN)
    return table.astype({COLUMN: "Int64"})


def too_few(number: int) -> str:
    """Return why so few groups have neither an interval nor a test."""
    return (
        f"the examples are from {number} group{'' if number == 1 else 's'} (recordings, patients), and "
        f"at least {FEWEST_GROUPS} are needed"
    )


def of_intervals(number: int) -> str:
    """Return a sentence that says over what the intervals of scores are, for examples from this many groups."""
    if number < FEWEST_GROUPS:
        return f"The scores have no 95% intervals: {too_few(number)}."
    return (
        "Examples of one group (a recording, a patient) are alike: the 95% intervals of the scores are over groups, at "
        f"most {number:,}."
    )
