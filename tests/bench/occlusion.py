"""Occlusion of five beats at every position, against one Keras prediction per position."""

from __future__ import annotations

import numpy as np

from pellucid.network import runtime
from tests.bench.timing import in_turn, row, seconds


def main() -> None:
    """Five beats of 186 samples, window 15, on the heartbeat network.

    The peer is the loop of SignalScreen: cover one window of one beat with zeros, ask `predict`, go on. It is
    timed on every 8th window of one beat and multiplied, since the whole takes minutes; its own time grows with the
    number of calls alone. The floor is the same number of forward passes in the best of several batch sizes.
    """
    runtime.start(2)
    import keras
    import tensorflow as tf

    from pellucid.explain.occlusion import explain
    from pellucid.models.heartbeat_cnn import build
    from pellucid.network.explained_model import ExplainedModel

    model = build((186, 1), 5)
    rng = np.random.default_rng(0)
    beats, targets = rng.random((5, 186, 1), np.float32), np.arange(5)
    positions, window = 186 - 15 + 1, 15

    def ours() -> None:
        explain(ExplainedModel(model), beats, targets, rng, window=window)

    def loop() -> None:
        for start in range(0, positions, 8):
            covered = beats[:1].copy()
            covered[:, start : start + window] = 0
            model.predict(covered, verbose=0)

    passes = rng.random((5 * positions + 5, 186, 1), np.float32)
    compiled = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((None, 186, 1))])

    def floor(size: int) -> None:
        for start in range(0, len(passes), size):
            compiled(tf.constant(passes[start : start + size])).numpy()

    model.predict(beats[:1], verbose=0)
    first = seconds(ours)
    explained_model = ExplainedModel(model)

    def again() -> None:
        explain(explained_model, beats, targets, rng, window=window)

    again()
    counted = len(range(0, positions, 8))
    later, part = in_turn(again, loop, rounds=3)
    peer = part / counted * positions * 5
    sizes = (64, 128, 256, 512)
    for size in sizes:
        floor(size)
    ours_again, *floors = in_turn(again, *(lambda size=size: floor(size) for size in sizes), rounds=9)
    print(f"Occlusion, 5 beats of 186 samples, window 15, {positions} positions ({keras.version()})")
    row("", "seconds", "ratio")
    row("one prediction per position (extrapolated)", peer, "")
    row("Pellucid, first call (with tracing)", first, f"{peer / first:.0f} × faster")
    row("Pellucid, later calls", later, f"{peer / later:.0f} × faster")
    row("floor: the same forward passes, best batch", min(floors), f"{ours_again / min(floors):.2f}")
    print()
