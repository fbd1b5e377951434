"""Maps of several labels and values find their own evidence, as maps of one label do: over several trainings."""

import numpy as np
import pandas as pd
import pytest

from pellucid.tasks import MULTI_LABEL, REGRESSION
from tests.bench import planted_labels
from tests.bench.planted_labels import MARGIN, interval

SEEDS = (0, 1, 2, 3)
# Of the strongest values of a map without any meaning: the share of a beat that each wave covers.
CHANCE = {"inverted P": 0.07, "inverted T": 0.14, "P height": 0.07, "T height": 0.14}


def test_the_interval_is_students():
    values = np.array([0.1, 0.3, 0.2, 0.4])
    low, high = interval(values)
    # t(0.975, 3) = 3.1824; standard deviation 0.12910.
    assert (low, high) == pytest.approx((0.25 - 3.1824 * 0.0645497, 0.25 + 3.1824 * 0.0645497), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
def test_maps_find_the_evidence_of_their_own_label_as_those_of_one_label_alone(keras, task):
    """Equivalence over four trainings: the 90% interval of the mean difference lies within the margin (two tests of 5%)."""
    rows = pd.DataFrame(planted_labels.measured(task, SEEDS, ("integrated_gradients",)))
    assert rows["quality"].min() > 0.8
    for (label, score), some in rows.groupby(["label", "score"]):
        together = some[some["model"] == "together"].set_index("seed")
        alone = some[some["model"] == "alone"].set_index("seed")
        # Each training finds its own label's evidence, and not that of the other label.
        assert (together["value"] > together["other"] + 0.05).all(), (label, score)
        assert (together["value"] > 2 * CHANCE[label]).all(), (label, score)
        low, high = interval((together["value"] - alone["value"]).to_numpy(), 0.9)
        assert -MARGIN < low <= high < MARGIN, (label, score, low, high)
