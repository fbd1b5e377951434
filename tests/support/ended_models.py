"""Models that end in the same three scores in different ways: how they are made, and what stands behind them."""

import numpy as np

SHAPE = (6, 2)


def _wholes(layers, kind, x):
    """Scores (1, 3), of convolutions as long as the input."""
    return layers.Conv1D(3, SHAPE[0], activation=kind)(x)


def _columns(layers, kind, x):
    """Scores (3, 1), one for each of three times."""
    return layers.Conv1D(1, 2, strides=2, activation=kind)(x)


def _repeated(layers, kind, x):
    return layers.TimeDistributed(layers.Dense(1, activation=kind))(layers.Conv1D(2, 2, strides=2)(x))


def _heads(layers, kind, x):
    flat = layers.Flatten()(x)
    return layers.Concatenate()([layers.Dense(1, activation=kind)(flat) for _ in range(3)])


def _ensemble(layers, kind, x):
    flat = layers.Flatten()(x)
    return layers.Average()([layers.Dense(3, activation=kind)(flat) for _ in range(2)])


def _layer(layers, kind, x):
    return layers.Activation(kind or "linear")(layers.Dense(3)(layers.Flatten()(x)))


def _nested(layers, kind, x):
    import keras

    inner = keras.Input(SHAPE)
    return keras.Model(inner, _wholes(layers, kind, inner))(x)


def _operation(layers, kind, x):
    import keras

    scores = layers.Dense(3)(layers.Flatten()(x))
    return getattr(keras.ops, kind)(scores) if kind else scores


STARTS = {
    "wholes": _wholes, "columns": _columns, "repeated": _repeated, "heads": _heads, "ensemble": _ensemble,
    "layer": _layer, "nested": _nested, "operation": _operation,
}  # fmt: skip


def _pooled(name):
    """Pooling over a single position, after the scores are brought to the shape (1, 3)."""
    return lambda layers, scores: getattr(layers, name)()(layers.Reshape((1, 3))(scores))


def _through(name, *arguments):
    return lambda layers, scores: layers.Flatten()(getattr(layers, name)(*arguments)(scores))


def _inside(layers, scores):
    import keras

    inner = keras.Input(scores.shape[1:])
    return layers.Flatten()(keras.Model(inner, layers.Identity()(inner))(scores))


def _ops(function):
    def ending(layers, scores):
        import keras

        return layers.Flatten()(function(keras.ops, scores))

    return ending


# None changes a score; each gives (3,).
ENDINGS = {
    "flatten": _through("Identity"),
    "dropout": _through("Dropout", 0.5),
    "noise": _through("GaussianNoise", 0.1),
    "linear": _through("Activation", "linear"),
    "rescaling": _through("Rescaling", 1.0),
    "penalty": _through("ActivityRegularization", 0.1),
    "reshape": lambda layers, scores: layers.Reshape((3,))(layers.Reshape((3, 1))(scores)),
    "permute": lambda layers, scores: layers.Flatten()(layers.Permute((2, 1))(layers.Reshape((1, 3))(scores))),
    "crop": lambda layers, scores: layers.Flatten()(layers.Cropping1D(0)(layers.Reshape((3, 1))(scores))),
    "pool": lambda layers, scores: layers.Flatten()(layers.MaxPooling1D(1)(layers.Reshape((3, 1))(scores))),
    "mean": _pooled("GlobalAveragePooling1D"),
    "maximum": _pooled("GlobalMaxPooling1D"),
    "nested": _inside,
    "joined": lambda layers, scores: layers.Concatenate()(
        [layers.Flatten()(scores)[:, :1], layers.Flatten()(scores)[:, 1:]]
    ),
    "picked": lambda layers, scores: layers.Reshape((1, 3))(scores)[:, 0],
    "squeezed": _ops(lambda ops, scores: ops.squeeze(ops.reshape(scores, (-1, 3, 1)), 2)),
    "transposed": _ops(lambda ops, scores: ops.transpose(ops.reshape(scores, (-1, 1, 3)), (0, 2, 1))),
    "averaged": _ops(lambda ops, scores: ops.mean(ops.reshape(scores, (-1, 1, 3)), 1)),
    "cast": _ops(lambda ops, scores: ops.cast(scores, "float32")),
}

# Arithmetic with scores: of logits it gives logits, of probabilities neither. Each gives (3,).
SCALINGS = {
    "per_cent": _ops(lambda ops, scores: 100 * scores),
    "centred": _ops(lambda ops, scores: 2 * scores - 1),
    "rest": _ops(lambda ops, scores: 1 - scores),
    "temperature": _ops(lambda ops, scores: scores / 0.3),
    "negative": _ops(lambda ops, scores: ops.negative(scores)),
    "rescaled": _through("Rescaling", 5.0, -2.0),
    "clipped": _ops(lambda ops, scores: 10 * ops.clip(scores, 0.01, 0.99)),
    "doubled": lambda layers, scores: layers.Flatten()(layers.Add()([scores, scores])),
    "difference": _ops(lambda ops, scores: scores - 0.5 * ops.flip(scores, -1)),
    "summed": _ops(
        lambda ops, scores: ops.sum(ops.reshape(ops.tile(scores, (1,) * (len(scores.shape) - 1) + (2,)), (-1, 2, 3)), 1)
    ),
}


def made(keras, start, kind, *endings):
    """A model (N, *SHAPE) to (N, 3); `kind` is the activation of its scores, None for none; the same weights always."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    scores = STARTS[start](keras.layers, kind, inputs)
    for ending in endings or ("flatten",):
        scores = (ENDINGS | SCALINGS)[ending](keras.layers, scores)
    assert scores.shape == (None, 3)
    return keras.Model(inputs, scores)


def inputs():
    rng = np.random.default_rng(0)
    return np.concatenate([size * rng.normal(size=(3, *SHAPE)) for size in (0.3, 1, 3)]).astype(np.float32)
