"""What the checks found, for people."""

from __future__ import annotations

from pathlib import Path

from pellucid import tables

# What the number of each check is; `score.checks` measures them and has the limits.
ABOUT = {
    "completeness": "share of the logit's change that the values do not add up to",
    "coverage": "share of the values that can get an attribution",
    "batch": "change with the other examples of the batch, of the largest value",
    "sanity": "rank correlation with the map of the model without its training",
}


def failures(checks: Path | str, label: str) -> str:
    """What an explanation failed, as a line: "fails sanity: 0.83 > 0.5 (rank correlation with …)"; "" for nothing.

    Args:
        checks: the table of the checks.
        label: of the explanation.
    """
    rows = tables.read(checks)
    rows = rows[~rows["passed"] & (rows["explanation"] == label)]
    told = [f"{row.check}: {row.value:.2g} {row.sign} {row.limit:g} ({ABOUT[row.check]})" for row in rows.itertuples()]
    return f"fails {'; '.join(told)}" if told else ""
