"""Networks with branches: which box of each map a window touches, and that scores are those of full passes."""

import numpy as np
import pytest

from pellucid.network import incremental_graph_plan
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.incremental_graph import GraphScorer
from tests.conftest import settled


def residual(keras, shape=(60, 2), **convolution):
    """Two convolutions of three positions, and a way around them."""
    layers = keras.layers
    start = keras.Input(shape)
    once = layers.Conv1D(4, 3, padding="same", name="once", **convolution)(start)
    twice = layers.Conv1D(4, 3, padding="same", name="twice")(layers.ReLU()(once))
    joined = layers.Add(name="joined")([twice, once])
    return start, layers.ReLU(name="rectified")(joined)


def ended(keras, start, maps):
    layers = keras.layers
    return keras.Model(start, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D(name="mean")(maps)))


def staged(plan):
    return {stage.use.operation.name: stage for stage in plan.stages}


def test_a_box_grows_by_the_convolutions_and_covers_the_branches_that_meet(keras):
    plan = incremental_graph_plan.plan(ended(keras, *residual(keras)), (5,))
    stages = staged(plan)
    sizes = {name: stages[name].touched.size for name in ("once", "twice", "joined", "rectified")}
    assert sizes == {"once": (7,), "twice": (9,), "joined": (9,), "rectified": (9,)}
    # Windows from 0 to 55; at the edges boxes lie inside.
    np.testing.assert_array_equal(stages["joined"].touched.starts[0], np.clip(np.arange(56) - 2, 0, 51))
    assert stages["mean"].how == "whole"


def test_a_box_behind_a_stride_and_zeros_around_the_map(keras):
    layers = keras.layers
    start = keras.Input((40, 1))
    maps = layers.Conv1D(2, 5, strides=2, name="halved")(layers.ZeroPadding1D((2, 1), name="wider")(start))
    plan = incremental_graph_plan.plan(ended(keras, start, layers.Concatenate()([maps, maps])), (4,))
    stages = staged(plan)
    np.testing.assert_array_equal(stages["wider"].touched.starts[0], np.arange(37) + 2)
    # Output i looks at 2 i to 2 i + 4 of the padded map; the window at s covers s + 2 to s + 5.
    touching = [[i for i in range(20) if 2 * i <= s + 5 and 2 * i + 4 >= s + 2] for s in range(37)]
    np.testing.assert_array_equal(stages["halved"].touched.first[0], [places[0] for places in touching])
    np.testing.assert_array_equal(stages["halved"].touched.last[0], [places[-1] for places in touching])


def networks(keras):
    """Networks that are no chains, by name; and the layer from which all is computed in full."""
    layers = keras.layers

    def gated(maps):
        gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling1D(name="squeeze")(maps))
        return layers.Multiply()([maps, layers.Reshape((1, 4))(gate)])

    start, maps = residual(keras)
    yield "residual", ended(keras, start, maps), "mean"
    start, maps = residual(keras, strides=2)
    yield "gate", ended(keras, start, layers.Conv1D(3, 3)(gated(maps))), "squeeze"
    start, maps = residual(keras)
    yield "recurrent", keras.Model(start, layers.Dense(2)(layers.LSTM(3, name="lstm")(maps))), "lstm"
    start, maps = residual(keras)
    pooled = layers.AveragePooling1D(3, strides=2, padding="same")(maps)
    yield "ragged mean", keras.Model(start, layers.Dense(2)(layers.Flatten(name="flat")(pooled))), "flat"
    start, maps = residual(keras)
    inner = keras.Model(start, keras.ops.relu(maps + start[..., :1]))
    start = keras.Input((60, 2))
    once = inner(layers.Rescaling(0.5)(start))
    yield "nested, and operations", ended(keras, start, layers.Average()([once, keras.ops.tanh(once)])), "get_item"


NAMES = ["residual", "gate", "recurrent", "ragged mean", "nested, and operations"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("memory", [2**14, 2**30])
def test_scores_are_those_of_full_passes(keras, monkeypatch, rng, name, memory):
    keras.utils.set_random_seed(5)
    model, whole = next((model, layer) for known, model, layer in networks(keras) if known == name)
    model = settled(model)
    x, fill = (rng.normal(size=(6, 60, 2)).astype(np.float32) for _ in range(2))
    starts = np.arange(56)[:, None]
    arguments = (x, fill, rng.integers(model.output_shape[1], size=6), starts, (5,), np.arange(56) % 3 - 1)
    full = ExplainedModel(model, batch_size=4)
    monkeypatch.setattr(full._scorers, "for_windows", lambda *_: None)
    expected = full.covered_scores(*arguments)
    monkeypatch.setattr("pellucid.network.window_scores._WORK_OF_TRACING", -1e30)
    explained_model = ExplainedModel(model)
    explained_model._memory = memory
    found = explained_model.covered_scores(*arguments)
    (scorer,) = explained_model._scorers.made.values()
    assert isinstance(scorer, GraphScorer)
    assert next(stage.use.operation.name for stage in scorer._plan.stages if stage.how == "whole").startswith(whole)
    assert np.ptp(expected, axis=0).min() > 0
    np.testing.assert_allclose(found, expected, atol=3e-6 * np.abs(expected).max(), rtol=2e-5)
    assert explained_model.forward_passes == full.forward_passes == expected.size


def test_models_that_no_graph_computes_in_single_precision_have_no_plan(keras):
    layers = keras.layers

    class Own(keras.Model):
        def call(self, x, training=None):
            return super().call(x[:, ::-1], training=training)

    start, maps = residual(keras)
    reversed_model = Own(start, ended(keras, start, maps)(start))
    start, maps = residual(keras)
    random = ended(keras, start, layers.Dropout(0.5)(maps, training=True))
    half = ended(keras, *residual(keras, dtype="mixed_float16"))
    assert [incremental_graph_plan.plan(model, (5,)) for model in (reversed_model, random, half)] == [None] * 3


def test_a_gate_on_the_input_leaves_nothing_to_save(keras):
    layers = keras.layers
    start = keras.Input((30, 2))
    gate = layers.Reshape((1, 2))(layers.Dense(2)(layers.GlobalAveragePooling1D()(start)))
    maps = layers.Conv1D(4, 3)(layers.Multiply()([start, gate]))
    assert incremental_graph_plan.plan(ended(keras, start, maps), (5,)) is None


def test_little_that_is_saved_of_a_large_network_is_left(keras):
    layers = keras.layers
    start, maps = residual(keras)
    wide = layers.Dense(400)(layers.Dense(400)(layers.Flatten()(maps)))
    assert incremental_graph_plan.plan(ended(keras, start, maps), (5,)) is not None
    assert incremental_graph_plan.plan(keras.Model(start, layers.Dense(3)(wide)), (5,)) is None


def test_work_is_that_of_the_boxes(keras, monkeypatch):
    monkeypatch.setattr(incremental_graph_plan, "_VALUE", 0)
    plan = incremental_graph_plan.plan(ended(keras, *residual(keras)), (5,))
    # 3 × 2 × 4 and 3 × 4 × 4 multiplications per position, of 7 and 9 of 60 positions; 4 × 3 of the dense layer.
    assert plan.work == (7 * 24 + 9 * 48 + 12, 60 * 24 + 60 * 48 + 12)


def test_little_work_is_done_in_full(keras, rng):
    model = ExplainedModel(ended(keras, *residual(keras)))
    x = rng.random((2, 60, 2), np.float32)
    model.covered_scores(x, x * 0, np.array([0, 1]), np.array([[3], [9]]), (5,), np.array([-1, 0]))
    assert not model._scorers.made
    assert model._scorers.graph((5,)) is not None
