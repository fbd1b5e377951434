"""Models as researchers make them, with names, shapes and graphs that none of the project's own networks has."""

from __future__ import annotations

import numpy as np

SHAPE = (8, 8, 1)
CLASSES = 10


def sequential(keras, shape=SHAPE, classes=CLASSES):
    """A chain whose layers have names with spaces and dots, and end in logits."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(4, 3, activation="relu", name="Conv Nr. 1 (edges)"),
            layers.MaxPooling2D(2, name="max pool"),
            layers.Flatten(name="to a vector"),
            layers.Dense(12, activation="relu", name="hidden.units"),
            layers.Dense(classes, name="class scores"),
        ],
        name="my model v2.1",
    )


def functional(keras, shape=SHAPE, classes=CLASSES):
    """A residual network in which one convolution is used twice, with an operation that is no layer; its end pools."""
    layers = keras.layers
    image = keras.Input(shape, name="the image")
    first = layers.Conv2D(5, 3, padding="same", activation="relu", name="stem")(image)
    shared = layers.Conv2D(5, 3, padding="same", name="shared conv")
    hidden = layers.ReLU(name="relu a")(shared(first))
    hidden = layers.BatchNormalization(name="norm")(shared(hidden))
    hidden = layers.Add(name="skip")([first, hidden]) * 0.5
    hidden = layers.GlobalAveragePooling2D(name="pool all")(layers.ReLU(name="relu b")(hidden))
    return keras.Model(image, layers.Dense(classes, activation="softmax", name="out")(hidden), name="residual")


def nested(keras, shape=SHAPE, classes=CLASSES):
    """A model in a model in a model, each with layers of the same names."""
    layers = keras.layers
    inner = keras.Sequential(
        [layers.Input((8, 8, 4)), layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")], name="inner"
    )
    image = keras.Input(shape, name="input")
    hidden = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(image)
    backbone = keras.Model(image, inner(hidden), name="backbone")
    head = keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(classes, name="dense"),
            layers.Activation("softmax", name="activation"),
        ],
        name="head",
    )
    outer = keras.Input(shape, name="input")
    return keras.Model(outer, head(backbone(outer)), name="whole")


def branches(keras, shape=SHAPE, classes=CLASSES):
    """Two branches of convolutions of different lengths and strides, joined."""
    layers = keras.layers
    image = keras.Input(shape, name="pixels")
    left = layers.Conv2D(4, 5, padding="same", strides=2, activation="relu", name="left")(image)
    right = layers.Conv2D(3, 3, padding="same", activation="relu", name="right 1")(image)
    right = layers.Conv2D(3, 3, padding="same", strides=2, activation="relu", name="right 2")(right)
    joined = layers.Concatenate(name="both")([left, right])
    hidden = layers.Flatten(name="flat")(layers.Conv2D(4, 1, activation="relu", name="mix")(joined))
    return keras.Model(image, layers.Dense(classes, activation="softmax", name="classes")(hidden), name="two branches")


ALL = {one.__name__: one for one in (sequential, functional, nested, branches)}


def with_random_weights(model):
    """The model itself, in which every weight has a random value, biases and statistics too: the same every time."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.3, weight.shape) for weight in model.get_weights()]
    names = [weight.path for weight in model.weights]
    model.set_weights([np.abs(w) + 0.5 if "variance" in n else w for w, n in zip(weights, names, strict=True)])
    return model
