"""What the checks found, for people."""

from __future__ import annotations

import csv
from pathlib import Path

from pellucid import files

# What the number of each check is; `score.checks` measures them and has the limits.
ABOUT = {
    "completeness": "share of the logit's change that the values do not add up to",
    "coverage": "share of the values that can get an attribution",
    "batch": "change with the other examples of the batch, of the largest value",
    "sanity": "rank correlation with the map of the model without its training",
}


def failures(checks: Path | str) -> dict[str, str]:
    """Return what each explanation failed, such as "sanity: 0.83 > 0.5 (rank correlation with …)"; "" for nothing.

    Reads without pandas, since the workflow calls it before it plans the jobs.

    Args:
        checks: the table of the checks.

    Raises:
        InputError: it is not such a table.
    """
    found: dict[str, list[str]] = {}
    expected = "the table that the rule check writes"
    with files.reading(checks, expected), Path(checks).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            failed = found.setdefault(row["explanation"], [])
            if {"True": False, "False": True}[row["passed"]]:
                number = f"{float(row['value']):.2g} {row['sign']} {float(row['limit']):g}"
                failed.append(f"{row['check']}: {number} ({ABOUT[row['check']]})")
    return {label: "; ".join(failed) for label, failed in found.items()}
