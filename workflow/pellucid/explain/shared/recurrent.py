"""A small recurrent network for each example: gated recurrent units in both directions, and a linear layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = ("ahead", "back")


class Recurrent:
    """Gated recurrent units (Cho et al. 2014) as wide as the series, in both directions, and a linear layer.

    Every example has weights of its own, which are variables of a search. All examples start with the same ones.

    Args:
        width: channels of the series.
    """

    def __init__(self, width: int) -> None:
        self._width = width

    def start(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Draw the weights, uniform up to one by the root of the width, as they are for one example."""
        width, bound = self._width, 1 / np.sqrt(self._width)
        shapes: dict[str, tuple[int, ...]] = {}
        for way in _DIRECTIONS:
            shapes |= {f"{way}_input": (width, 3 * width), f"{way}_state": (width, 3 * width)}
            shapes |= {f"{way}_input_bias": (3 * width,), f"{way}_state_bias": (3 * width,)}
        shapes |= {"out": (2 * width, width), "out_bias": (width,)}
        return {name: rng.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()}

    def applied(self, tf_: Any, series: Any, weights: dict[str, Any]) -> Any:
        """Return the output at every step: (rows, time, channels) to (rows, time, channels)."""
        return self.states(tf_, series, weights) @ weights["out"] + weights["out_bias"][:, tf_.newaxis]

    def states(self, tf_: Any, series: Any, weights: dict[str, Any]) -> Any:
        """Return the states of both directions at every step: (rows, time, 2 × channels)."""
        # Both directions are rows of one loop over time: its cost is that of its steps, however many rows there are.
        both = tf_.concat([series, tf_.reverse(series, [1])], axis=0)
        joined = {
            name: tf_.concat([weights[f"{way}_{name}"] for way in _DIRECTIONS], axis=0)
            for name in ("input", "input_bias", "state", "state_bias")
        }
        ahead, back = tf_.split(_states(tf_, both, joined), 2, axis=0)
        return tf_.concat([ahead, tf_.reverse(back, [1])], axis=2)


def _states(tf_: Any, series: Any, weights: dict[str, Any]) -> Any:
    """Return the states after every step: (rows, time, channels)."""
    gates = series @ weights["input"] + weights["input_bias"][:, tf_.newaxis]
    kernel, bias = weights["state"], weights["state_bias"]

    def following(state: Any, gate: Any) -> Any:
        own = tf_.squeeze(state[:, tf_.newaxis] @ kernel, 1) + bias
        reset_in, update_in, new_in = tf_.split(gate, 3, axis=1)
        reset_own, update_own, new_own = tf_.split(own, 3, axis=1)
        update = tf_.sigmoid(update_in + update_own)
        new = tf_.tanh(new_in + tf_.sigmoid(reset_in + reset_own) * new_own)
        return (1 - update) * new + update * state

    by_time = tf_.transpose(gates, (1, 0, 2))
    states = tf_.scan(following, by_time, tf_.zeros_like(series[:, 0]))
    return tf_.transpose(states, (1, 0, 2))
