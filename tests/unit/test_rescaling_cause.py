"""The parts of a rescaled map make the map."""

import numpy as np
import pytest

from tests.bench import rescaling_cause

SIDE = 4


@pytest.fixture(scope="module")
def model(keras):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    hidden = inputs = keras.Input((SIDE, SIDE))
    hidden = layers.Conv1D(6, 2, activation="relu")(hidden)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalMaxPooling1D()(hidden)))


def test_both_parts_of_the_changes_make_the_rescaled_map(model):
    import pellucid

    x = np.random.default_rng(4).random((SIDE, SIDE), np.float32)
    steps, changes = rescaling_cause.changes(model, x, 1)
    assert (changes.own >= 0).all() and (changes.others > 0).any()
    found = rescaling_cause.rescaled(steps, changes.own + changes.others)
    expected = pellucid.explain(
        model, x[np.newaxis], "temporal_saliency_rescaling", of="gradient_input", target=np.array([1])
    )
    np.testing.assert_allclose(found, expected.attributions[0], atol=1e-4)
    # Gradient × input is zero at a covered value, so that the change there is what the map had.
    before = rescaling_cause.gradient_input(model, x[np.newaxis], 1)[0]
    np.testing.assert_allclose(changes.own, np.abs(before), atol=1e-5)
