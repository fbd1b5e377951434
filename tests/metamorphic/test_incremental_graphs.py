"""Scores that are recomputed around a window are those of full passes in networks with branches, whatever the graph."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.network import incremental_graph_plan
from tests.metamorphic.test_incremental import full_and_incremental

SETTINGS = settings(
    derandomize=True, deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
JOINS = ("Add", "Concatenate", "Multiply", "Maximum", "Subtract", "Average")


@st.composite
def windows(draw, axes):
    """A convolution or pooling, as (kind, size, stride, dilation, padding)."""
    kinds = ["Conv", "Conv", "MaxPooling", "AveragePooling", "DepthwiseConv", "SeparableConv"]
    kind = draw(st.sampled_from(kinds))
    paddings = ["same", "valid", *(["causal"] if kind == "Conv" and axes == 1 else [])]
    stride = draw(st.integers(1, 2))
    dilation = draw(st.integers(1, 3)) if "Conv" in kind and stride == 1 else 1
    return kind, draw(st.integers(1, 3)), stride, dilation, draw(st.sampled_from(paddings))


@st.composite
def graphs(draw):
    """An input shape, blocks of branches with how they are joined, and the end of the classifier."""
    shape = draw(st.sampled_from([(23, 2), (26, 3), (12, 11, 2)]))
    window = windows(len(shape) - 1)
    block = st.tuples(
        st.lists(st.lists(window, max_size=2), min_size=2, max_size=3),
        st.sampled_from(JOINS),
        st.sampled_from(["nothing", "nothing", "ZeroPadding", "BatchNormalization", "ReLU", "gate"]),
    )
    ends = st.sampled_from(["mean", "maximum", "flat", "dense maps"])
    return shape, draw(st.lists(block, min_size=1, max_size=3)), draw(ends), draw(st.integers(0, 99))


def model_of(keras, shape, blocks, end, seed):
    """The network of a graph: branches of other lengths are cut to the shortest, and get equal channels."""
    keras.utils.set_random_seed(seed)
    layers, axes, values = keras.layers, len(shape) - 1, np.random.default_rng(seed)
    of_axes = {
        name: getattr(layers, f"{name}{axes}D") for name in ("Conv", "ZeroPadding", "Cropping", "GlobalAveragePooling")
    }

    def slid(x, kind, size, stride, dilation, padding):
        if padding == "valid" and min(x.shape[1:-1]) < 1 + (size - 1) * dilation:
            padding = "same"
        make = getattr(layers, f"{kind}{axes}D")
        if kind.endswith("Pooling"):
            return make(size, strides=stride, padding=padding)(x)
        given = {} if kind == "DepthwiseConv" else {"filters": 4}
        return make(
            kernel_size=size, strides=stride, padding=padding, dilation_rate=dilation, activation="tanh", **given
        )(x)

    start = keras.Input(shape)
    x = start
    for branches, join, after in blocks:
        found = []
        for branch in branches:
            y = x
            for window in branch:
                y = slid(y, *window)
            found.append(of_axes["Conv"](4, 1)(y))
        shortest = [min(lengths) for lengths in zip(*(y.shape[1:-1] for y in found), strict=True)]
        cut = []
        for y in found:
            size = tuple(n - k + 1 for n, k in zip(y.shape[1:-1], shortest, strict=True))
            cut.append(of_axes["Conv"](4, size)(y) if max(size) > 1 else y)
        x = getattr(layers, join)()(cut[:2] if join == "Subtract" else cut)
        if after == "gate":
            gate = layers.Dense(x.shape[-1], activation="sigmoid")(of_axes["GlobalAveragePooling"]()(x))
            x = layers.Multiply()([x, layers.Reshape((*[1] * axes, x.shape[-1]))(gate)])
        elif after != "nothing":
            kind = of_axes.get(after) or getattr(layers, after)
            x = (kind((1, 2) if axes == 1 else ((0, 1), (2, 1))) if after == "ZeroPadding" else kind())(x)
    if end == "dense maps":
        x = layers.LayerNormalization()(layers.Dense(3, activation="gelu")(x))
    pooled = {"maximum": f"GlobalMaxPooling{axes}D", "flat": "Flatten"}.get(end, f"GlobalAveragePooling{axes}D")
    model = keras.Model(start, layers.Dense(3, activation="softmax")(getattr(layers, pooled)()(x)))
    for weights in model.weights:
        low = 0.3 if "variance" in weights.name else -1
        weights.assign(values.uniform(low, 1, weights.shape))
    return model


@SETTINGS
@given(graph=graphs())
def test_incremental_scores_are_those_of_full_passes(keras, monkeypatch, graph):
    shape, blocks, end, seed = graph
    # On maps of a few positions a box is nearly all of them: here it is cut out all the same.
    monkeypatch.setattr(incremental_graph_plan, "_LARGEST_SHARE", 1.0)
    monkeypatch.setattr(incremental_graph_plan, "_LARGEST_RATIO", 2.0)
    model = model_of(keras, shape, blocks, end, seed)
    assert incremental_graph_plan.plan(model, (3, 2)[: len(shape) - 1])
    full, found = full_and_incremental(model, monkeypatch, seed, everywhere=True)
    np.testing.assert_allclose(found, full, atol=2e-5 * max(np.abs(full).max(), 1))
