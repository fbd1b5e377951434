"""The figure of what a model says with and without the evidence: its verdict, and a panel per fill and metric."""

import numpy as np
import pandas as pd
import pytest

from pellucid.draw.evidence import draw, heading
from tests.support import svg

KINDS, CLASSES = ("mean", "noise", "linear", "other"), ("all", "NA", "a class with a long name")

DEPENDS = "Whether the model needs the planted evidence depends on the fill"


def table_of(without, control=0.9):
    """Accuracies without the evidence, one per fill; the others are the same for all."""
    rows = []
    for name in CLASSES:
        number = 100 if name == "all" else 50
        for metric in ("accuracy", "probability"):
            rows.append(("whole", "none", metric, name, 0.9, 0.85, 0.95, number))
            for kind, fallen in zip(KINDS, without, strict=False):
                for part, one in (("without", fallen), ("only", 0.8), ("control", control)):
                    rows.append((part, kind, metric, name, one, one - 0.05, one + 0.05, number))
    columns = ["part", "fill", "metric", "class", "mean", "low", "high", "examples"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("without", "control", "verdict"),
    [
        ((0.5, 0.52), 0.9, "The model needs the planted evidence"),
        ((0.9, 0.88), 0.9, "The model does NOT need the planted evidence: believe no score against it"),
        # Half of what it knows beyond a chance of 0.5 is lost at 0.7: an interval around it allows both answers.
        ((0.5, 0.66), 0.9, f"{DEPENDS}: needed with mean; cannot be told with noise"),
        ((0.5, 0.75), 0.9, f"{DEPENDS}: needed with mean; not needed with noise"),
        ((0.5, 0.75, 0.72), 0.9, f"{DEPENDS}: needed with mean; not needed with noise; cannot be told with linear"),
        ((0.66, 0.72), 0.9, "Whether the model needs the planted evidence cannot be told"),
        # Other values matter as much, and a model may fail on any hole.
        ((0.5, 0.5), 0.5, "Whether the model needs the planted evidence cannot be told"),
        # They matter more.
        ((0.6, 0.6), 0.45, "The model does NOT need the planted evidence: believe no score against it"),
    ],
)
def test_the_verdict(without, control, verdict):
    assert heading(table_of(without, control)).split("\n")[0] == verdict


def test_no_verdict_without_intervals():
    table = table_of((0.5, 0.52)).assign(low=np.nan, high=np.nan)
    assert heading(table).split("\n")[0] == "Whether the model needs the planted evidence cannot be told"


def test_the_numbers_below_the_verdict():
    line = heading(table_of((0.5, 0.52))).split("\n")[1]
    assert line == "accuracy 0.90; without the evidence 0.50–0.52; without an equal region elsewhere 0.90"


@pytest.mark.parametrize("kinds", [3, 4])
def test_a_panel_for_each_fill_and_metric(tmp_path, kinds):
    table = table_of((0.5, 0.52, 0.5, 0.48)[:kinds])
    # A class that no example has.
    table.loc[table["class"] == "NA", ["mean", "low", "high"]] = np.nan
    table.to_csv(tmp_path / "t.csv", index=False)
    draw(table=tmp_path / "t.csv", title="A title", pictures=[tmp_path / "a.svg", tmp_path / "a.png"])
    words = svg.words(tmp_path / "a.svg")
    assert sum(word.startswith("filled with: ") for word in words) == kinds
    assert words.count("accuracy") == words.count("mean probability of the true class") == kinds
    assert words.count("all examples") == words.count("NA") == 2
    assert {"A title", "without the evidence", "with the evidence alone", "chance"} <= set(words)
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_removed_frequencies_are_called_so(tmp_path):
    table = table_of((0.5, 0.52)).replace({"fill": {"mean": "silence", "noise": "floor"}})
    table.to_csv(tmp_path / "t.csv", index=False)
    draw(table=tmp_path / "t.csv", title="A title", pictures=[tmp_path / "a.svg"])
    words = svg.words(tmp_path / "a.svg")
    assert "frequencies taken out" in words and "without the strongest other frequencies" in words
    assert not any("region" in word for word in words)
