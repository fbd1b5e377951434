"""Measures of views: means that are counted by hand, and intervals of the same functions as those of scores."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files, seeds, tables
from pellucid.compare.view_measures import means, run
from pellucid.score.shared.bootstrap import interval

N = 12


@pytest.fixture
def written(tmp_path, rng):
    """Two variants of counterfactuals: one finds a change for 9 of 12 examples, the other for none."""
    found = np.arange(N) < 9
    drawn = {name: np.where(found, rng.random(N), np.nan) for name in ("distance", "unchanged", "plausible")}
    nothing = np.full(N, np.nan)
    word = {"example": np.arange(N), "class": ["NA"] * N, "predicted": ["1"] * N, "changed to": ["True"] * N}
    some = {**word, "found": found, **drawn, "in_evidence": nothing, "seconds": np.full(N, 0.25)}
    none = {**some, "found": ~found & found, **dict.fromkeys(drawn, nothing)}
    labels = {"counterfactuals.of=gradient": some, "counterfactuals.of=comte": none}
    for label, columns in labels.items():
        tables.write(tmp_path / f"{label}.csv", pd.DataFrame(columns))
    table = tmp_path / "counterfactuals_measures.csv"
    run(view="counterfactuals", csv={label: tmp_path / f"{label}.csv" for label in labels}, seed=3, table=table)
    return table, drawn


def test_means_and_intervals_over_the_examples_with_a_change(written):
    table, drawn = written
    content = tables.read(table, index="variant", words=("variant",))
    rows = content.loc["counterfactuals.of=gradient"].set_index("measure")
    assert list(rows.index) == ["validity", "proximity", "sparsity", "plausibility", "seconds"]
    assert rows.loc["validity", ["mean", "interval", "examples"]].tolist() == [0.75, "Clopper-Pearson", N]
    rng = seeds.generator(3, "view measures", "counterfactuals.of=gradient", "proximity")
    expected = interval(drawn["distance"], rng, low=0)
    np.testing.assert_allclose(rows.loc["proximity", ["mean", "low", "high"]].astype(float), expected[:3], rtol=1e-12)
    assert rows.loc["proximity", "examples"] == 9
    # One time was measured for all together: its equality over examples is no certainty.
    assert rows.loc["seconds", "interval"] == "none"
    assert rows.loc["seconds", ["low", "high"]].isna().all()


def test_what_is_defined_for_no_example_has_no_row(written):
    table, _ = written
    assert means(table, "counterfactuals.of=comte") == {"validity": 0, "seconds": 0.25}


def test_intervals_are_over_the_recordings_of_the_examples(written, tmp_path):
    table, _ = written
    files.write_arrays(tmp_path / "groups.npz", {"test": np.array([f"r{number // 2}" for number in range(N + 3)])})
    grouped = tmp_path / "grouped.csv"
    csv = {"counterfactuals.of=gradient": tmp_path / "counterfactuals.of=gradient.csv"}
    run(view="counterfactuals", csv=csv, seed=3, table=grouped, groups=tmp_path / "groups.npz")
    rows = tables.read(grouped, index="measure", words=("variant",))
    assert rows.loc["validity", "interval"] == "Korn-Graubard, over groups"
    assert rows["groups"].to_list()[:3] == [6, 5, 5]
    assert "groups" not in tables.read(table)
