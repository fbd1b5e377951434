"""The checks that each explanation failed, for tables and for captions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from pellucid import files

# The meaning of each check's number; `compare.checks` measures the numbers and has the limits.
ABOUT = {
    "completeness": "share of the logit's change that the values do not add up to",
    "coverage": "share of the values that can get an attribution",
    "batch": "change with the other examples of the batch, of the largest value",
    "flat": "share of the examples whose map is the same everywhere",
    "sanity": "rank correlation with the map of the model without its training",
}


class FailedCheck(NamedTuple):
    """A check that an explanation failed.

    Attributes:
        name: of the check.
        comparison: the measured number against its limit, such as "0.83 > 0.5".
    """

    name: str
    comparison: str


def failed_checks(checks: Path | str) -> dict[str, list[FailedCheck]]:
    """Return the checks that each explanation failed, by its label; an empty list for one that passed them all.

    Reads without pandas, since the workflow calls it before it plans the jobs.

    Args:
        checks: the table of the checks.

    Raises:
        InputError: the file is not such a table.
    """
    failed: dict[str, list[FailedCheck]] = {}
    expected = "the table that the rule check writes"
    with files.reading(checks, expected), Path(checks).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            of_label = failed.setdefault(row["explanation"], [])
            if {"True": False, "False": True}[row["passed"]]:
                if row["check"] not in ABOUT:
                    raise ValueError(f"unknown check {row['check']}")
                comparison = f"{float(row['value']):.2g} {row['sign']} {float(row['limit']):g}"
                of_label.append(FailedCheck(row["check"], comparison))
    return failed


def flat_examples(checks: Path | str) -> dict[str, str]:
    """Return the numbers of the test examples whose map is the same everywhere, by explanation; none without such maps.

    Args:
        checks: a table that `failed_checks` has read without an error.
    """
    with Path(checks).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["check"] == "flat" and row.get("examples")]
    return {row["explanation"]: row["examples"] for row in rows}


def failures(checks: Path | str) -> dict[str, str]:
    """Return what each explanation failed, such as "sanity: 0.83 > 0.5 (rank correlation with …)"; "" for nothing.

    Raises:
        InputError: see `failed_checks`.
    """
    return {
        label: "; ".join(f"{check.name}: {check.comparison} ({ABOUT[check.name]})" for check in failed)
        for label, failed in failed_checks(checks).items()
    }
