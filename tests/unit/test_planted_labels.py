"""Maps of several labels and values find their own evidence, as maps of one label do: over several trainings."""

import numpy as np
import pandas as pd
import pytest

from pellucid.tasks import MULTI_LABEL, REGRESSION
from tests.bench import planted_labels
from tests.bench.planted_labels import MARGIN, interval

# The score of a map without any meaning: the share of a beat that each wave covers.
CHANCE = {"inverted P": 0.07, "inverted T": 0.14, "P height": 0.07, "T height": 0.14}


def test_the_interval_is_students():
    values = np.array([0.1, 0.3, 0.2, 0.4])
    low, high = interval(values)
    # t(0.975, 3) = 3.1824; standard deviation 0.12910.
    assert (low, high) == pytest.approx((0.25 - 3.1824 * 0.0645497, 0.25 + 3.1824 * 0.0645497), abs=1e-4)


@pytest.fixture(scope="module")
def differences(keras):
    """Of a task: for each label and score the scores of maps of the network with both outputs, and of those alone."""

    def of(task):
        rows = pd.DataFrame(planted_labels.measured(task, ("integrated_gradients",)))
        assert rows["quality"].min() > 0.7
        for (label, score), some in rows.groupby(["label", "score"]):
            together = some[some["model"] == "together"].set_index("seed")
            yield label, score, together, some[some["model"] == "alone"].set_index("seed")

    return of


@pytest.mark.slow
@pytest.mark.timeout(1800)  # eight to fifteen trainings
@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
def test_maps_find_their_own_evidence_as_those_of_one_output_alone(differences, task):
    """Equivalence over the trainings: the 90% interval of the mean difference is within the margin (two 5% tests)."""
    for label, score, together, alone in differences(task):
        if task == MULTI_LABEL:
            # Each training finds its own label's evidence, and not that of the other label.
            assert (together["value"] > together["other"] + 0.05).all(), (label, score)
        assert together["value"].mean() > 1.3 * CHANCE[label], (label, score)
        low, high = interval((together["value"] - alone["value"]).to_numpy(), 0.9)
        assert -MARGIN < low <= high < MARGIN, (label, score, low, high)
