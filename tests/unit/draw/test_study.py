"""The figure of a study has the metrics of its task."""

import pandas as pd
import pytest

from pellucid.draw import study
from tests.support import svg

MEMBERS = {f"a__training_seed_{seed}": {"training.seed": seed} for seed in (1, 2, 3)}


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        (("balanced_accuracy", "log_loss"), ("balanced accuracy of the test", "log loss of the test")),
        (("macro_auroc", "log_loss"), ("macro AUROC of the test", "log loss of the test")),
        (("r2", "mae_in_sd"), ("R² of the test", "mean absolute error in standard deviations")),
    ],
)
def test_the_metrics_are_those_of_classes_labels_or_values(tmp_path, metrics, words):
    table = pd.DataFrame({name: [0.5, 0.6, 0.7] for name in metrics}, index=pd.Index(MEMBERS, name="member"))
    table.to_csv(tmp_path / "members.csv")
    study.draw(title="A", members=MEMBERS, table=tmp_path / "members.csv", pictures=[tmp_path / "study.svg"])
    drawn = " ".join(svg.words(tmp_path / "study.svg"))
    assert all(name in drawn for name in words)
    assert "3 training seeds" in drawn


def test_a_metric_that_no_member_of_a_row_has_leaves_the_row_empty(tmp_path):
    members = {f"a__{count}": {"model.filters": count} for count in (4, 8)}
    table = pd.DataFrame({"macro_auroc": [0.8, None], "log_loss": [0.5, 0.6]}, index=pd.Index(members, name="member"))
    table.to_csv(tmp_path / "members.csv")
    study.draw(title="A", members=members, table=tmp_path / "members.csv", pictures=[tmp_path / "study.svg"])
    assert "filters 8" in " ".join(svg.words(tmp_path / "study.svg"))
