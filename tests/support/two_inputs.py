"""Models of two inputs, a series `ecg` and two numbers `patient`, for tests of held inputs."""

from __future__ import annotations

from typing import Any

STEPS, CHANNELS, NUMBERS, CLASSES = 12, 2, 2, 3


def convolutional(keras: Any, activation: str | None = "softmax", outputs: int = CLASSES) -> Any:
    """Return a network with a convolution over the series, joined with a dense layer of the numbers."""
    keras.utils.set_random_seed(11)
    layers = keras.layers
    ecg = keras.Input((STEPS, CHANNELS), name="ecg")
    patient = keras.Input((NUMBERS,), name="patient")
    maps = layers.Conv1D(4, 3, activation="relu", padding="same", name="conv")(ecg)
    pooled = layers.GlobalAveragePooling1D(name="pool")(maps)
    numbers = layers.Dense(3, activation="relu", name="numbers")(patient)
    joined = layers.Concatenate(name="joined")([pooled, numbers])
    hidden = layers.Dense(6, activation="relu", name="hidden")(joined)
    return keras.Model([ecg, patient], layers.Dense(outputs, activation=activation, name="head")(hidden), name="both")


def linear(keras: Any, activation: str | None = None, outputs: int = CLASSES) -> Any:
    """Return a dense layer of each input, added: the scores are affine in each input, whatever the other is."""
    keras.utils.set_random_seed(12)
    layers = keras.layers
    ecg = keras.Input((STEPS, CHANNELS), name="ecg")
    patient = keras.Input((NUMBERS,), name="patient")
    of_ecg = layers.Dense(outputs, name="of_ecg", bias_initializer="normal")(layers.Flatten(name="flat")(ecg))
    of_patient = layers.Dense(outputs, name="of_patient", bias_initializer="normal")(patient)
    scores = layers.Add(name="scores")([of_ecg, of_patient])
    return keras.Model([ecg, patient], layers.Activation(activation or "linear", name="end")(scores), name="both")


def product(keras: Any, outputs: int = CLASSES) -> Any:
    """Return a model that multiplies dense layers of both inputs: affine in each input while the other is held."""
    keras.utils.set_random_seed(13)
    layers = keras.layers
    ecg = keras.Input((STEPS, CHANNELS), name="ecg")
    patient = keras.Input((NUMBERS,), name="patient")
    of_ecg = layers.Dense(4, name="of_ecg", bias_initializer="normal")(layers.Flatten(name="flat")(ecg))
    of_patient = layers.Dense(4, name="of_patient", bias_initializer="normal")(patient)
    both = layers.Multiply(name="both")([of_ecg, of_patient])
    return keras.Model([ecg, patient], layers.Dense(outputs, name="head", bias_initializer="normal")(both))
