"""Many models explained one after the other: nothing is said of how TensorFlow compiles them."""

import logging

import numpy as np

import pellucid


def test_no_advice_on_tracing(keras):
    said = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("tensorflow")
    logger.addHandler(handler)
    try:
        for _ in range(7):
            layers = [keras.Input((4, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
            pellucid.explain(keras.Sequential(layers), np.ones((2, 4, 1)), "saliency", task="regression")
        assert said == []
    finally:
        logger.removeHandler(handler)
