"""Concept parts on a network whose features and scores are known."""

import logging

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views import concept_parts
from pellucid.views.shared.crops import Crops, Maps
from tests.support.concept_data import LENGTH, WEIGHTS, network, series, view_data


@pytest.fixture(scope="module")
def model(keras):
    return ExplainedModel(network(keras))


@pytest.fixture(scope="module")
def found(model):
    """Clean bumps in both channels: the parts of class 0 are the channels themselves."""
    _, y, truth = series()
    clean = 2 * (truth | np.roll(truth, 8, 1)[..., ::-1]).astype(np.float32)
    data = view_data(training=(clean[:160], y[:160]), test=(clean[160:], y[160:]))
    return concept_parts.compute(model, data, np.random.default_rng(0), concepts=2, designs=1024, rows=2, shown=2)


def test_importance_and_effect_of_an_additive_score_are_known(found):
    """score = Σ aᵢ mᵢ: the total index of mᵢ is aᵢ² / Σ a², and aᵢ is what the score loses without it."""
    assert found["outputs"].tolist() == [0, 1]
    for place, unit in enumerate((0, 1)):
        share = 0.5 * WEIGHTS[:, unit]  # 6 of 24 values are 2
        order = np.argsort(-np.abs(share))
        np.testing.assert_allclose(found["effect"][place], share[order], rtol=0.02)
        np.testing.assert_allclose(found["importance"][place], (share**2 / (share**2).sum())[order], atol=0.03)
        np.testing.assert_allclose(found["scores"][place], [share.sum(), share.sum(), 0], atol=0.02)
        assert found["kept"][place] > 0.999
    assert not found["doubtful"].any()


def test_concepts_lie_where_their_bumps_are(found):
    for channel, row in ((0, 0), (1, 1)):
        has = found["inputs"][0, ..., channel] > 1
        presence = found["presence"][0, :, row]
        assert presence[has].min() > 0.9 * presence.max() > 10 * presence[~has].max()
    # A crop with most of a concept holds its bump.
    start, example = found["crop_starts"][0, 0, 0, 0], found["crop_examples"][0, 0, 0]
    assert example[start : start + 6, 0].min() > 1


def test_features_below_zero_are_refused(keras, model):
    inputs = keras.Input((LENGTH, 2))
    maps = keras.layers.Conv1D(3, 3, name="signed")(inputs)
    signed = keras.Model(inputs, keras.layers.Dense(3, name="head")(keras.layers.GlobalAveragePooling1D()(maps)))
    with pytest.raises(InputError, match="layer signed: found a feature of -.* such as those behind a ReLU"):
        concept_parts.compute(ExplainedModel(signed), view_data(), np.random.default_rng(0))


def test_a_layer_gives_the_scores_of_its_own_output_back(model, rng):
    x = rng.normal(size=(5, LENGTH, 2)).astype(np.float32)
    targets = np.arange(5) % 3
    own = model.activations(x, "maps")
    np.testing.assert_allclose(
        model.score_with_output(x, targets, "maps", own), model.score(x, targets), rtol=1e-5, atol=1e-6
    )
    other = np.abs(rng.normal(size=own.shape)).astype(np.float32)
    expected = (other.mean(1) @ WEIGHTS)[np.arange(5), targets]
    np.testing.assert_allclose(model.score_with_output(x, targets, "maps", other), expected, rtol=1e-4)


def test_crops_reach_both_ends_and_average_their_own_units(model, rng):
    crops = Crops.of((LENGTH,), 0.25)
    assert crops.size == (6,) and crops.starts[:, 0].tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert Crops.of((10,), 0.4).starts[:, 0].tolist() == [0, 2, 4, 6] and len(Crops.of((8, 6), 0.5).starts) == 3 * 4
    x = rng.random((2, LENGTH, 2), np.float32)
    maps = Maps(model, "maps")
    expected = np.stack([x[:, at : at + 6].mean(1) for at in crops.starts[:, 0]], 1)
    np.testing.assert_allclose(maps.of_crops(x, crops, "in_place"), expected, rtol=1e-5)
    # Brought to the length of the input by linear interpolation, a crop keeps its mean but for its ends.
    np.testing.assert_allclose(maps.of_crops(x, crops, "resized"), expected, atol=0.1)


def test_maps_with_the_channels_first_are_read_and_given_back_in_their_order(keras, rng):
    inputs = keras.Input((8, 6, 1))
    flipped = keras.layers.Permute((3, 1, 2), name="first")(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    model = ExplainedModel(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(flipped))))
    maps, x = Maps(model, "first"), rng.random((1, 8, 6, 1), np.float32)
    assert maps.of(x).shape == (1, 6, 4, 4)
    np.testing.assert_allclose(maps.scores(x[0], 1, maps.of(x)), model.score(x, np.array([1])), rtol=1e-5)


def test_concepts_that_do_not_carry_the_score_are_told(model, caplog):
    """Two concepts for one feature each, and a class whose features do not occur in its training examples."""
    _, y, truth = series()
    clean = 2 * truth.astype(np.float32)
    swapped = clean[160:][..., ::-1].copy()
    data = view_data(training=(clean[:160], y[:160]), test=(swapped, y[160:]))
    with caplog.at_level(logging.WARNING):
        result = concept_parts.compute(model, data, np.random.default_rng(0), concepts=2, shown=1)
    assert result["doubtful"].all()
    assert (
        "left: its concepts do not stand for its features: the mean score of the test examples is -1.5" in caplog.text
    )


def test_values_and_labels_have_parts_too(keras):
    for task in ("multi_label", "regression"):
        model = ExplainedModel(network(keras, task), task)
        result = concept_parts.compute(model, view_data(task), np.random.default_rng(0), concepts=2, points=3)
        assert result["outputs"].tolist() == [0, 1, 2]
        assert (result["effect"][[0, 1], 0] > 0).all()


def test_a_layer_of_two_features_has_no_more_than_two_concepts(model):
    result = concept_parts.compute(model, view_data(), np.random.default_rng(0), concepts=5, points=3, shown=1)
    assert result["numbers"].tolist() == [2]
    assert (result["importance"][0, 2:] == 0).all()
    assert len(result["csv"].splitlines()) == 1 + 2
