"""A control that is better on most scores of faithfulness is named."""

import numpy as np
import pandas as pd

from pellucid.page.control_comparison import Outdone, outdone

METRICS = pd.DataFrame(
    {
        "metric": ["a", "b", "c", "stable"],
        "family": ["faithfulness", "faithfulness", "faithfulness", "robustness"],
        "better": ["higher", "lower", "higher", "higher"],
    }
)


def found(map_values, control_values, other=(0, 9, 0, 0)):
    columns = [f"{metric} mean" for metric in METRICS["metric"]]
    board = pd.DataFrame([map_values, control_values, other], columns=columns, index=["cam", "size", "equal"])
    return outdone(board.astype(float), METRICS, ["cam"], ["size", "equal"])


def test_better_on_two_of_three_scores_in_their_directions():
    assert found((0.1, 0.9, 0.5, 1), (0.2, 0.8, 0.4, 0)) == [Outdone("cam", "size", 2, 3)]


def test_better_on_one_of_three_or_in_the_wrong_direction_is_not_named():
    assert found((0.1, 0.9, 0.5, 1), (0.2, 0.95, 0.4, 1)) == []


def test_equal_values_are_not_better_and_other_families_do_not_count():
    assert found((0.1, 0.9, 0.5, 0), (0.1, 0.9, 0.5, 1)) == []


def test_scores_that_one_of_both_lacks_do_not_count():
    assert found((0.1, np.nan, np.nan, 1), (0.2, 0.1, 0.1, 1)) == [Outdone("cam", "size", 1, 1)]
    assert found((np.nan, np.nan, np.nan, 1), (0.2, 0.1, 0.1, 1)) == []
