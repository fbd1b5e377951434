"""Importing xplique without what only its other methods and its plots need."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.support.absent import absent

# Of its own requirements, those that no method compared here calls.
_UNUSED = ("cv2", "einops", "tensorflow_probability")


def xplique_attributions() -> ModuleType:
    """`xplique.attributions`, whether or not OpenCV, einops and TensorFlow Probability are installed.

    Raises:
        ImportError: xplique is not installed.
    """
    with absent(*_UNUSED):
        import xplique.attributions as attributions
    module: ModuleType = attributions
    return module


def global_sensitivity() -> ModuleType:
    """`xplique.attributions` whose Sobol indices and HSIC run without einops and TensorFlow Probability.

    Where these are not installed, the four changes of axes and the median that they are used for are written here.
    """
    attributions = xplique_attributions()
    import numpy as np
    import tensorflow as tf
    from xplique.attributions.global_sensitivity_analysis import hsic_estimators, replicated_designs

    axes: dict[str, Callable[..., Any]] = {
        "n h w c -> (h w c) n": lambda x: tf.transpose(tf.reshape(x, (tf.shape(x)[0], -1))),
        "d n -> d 1 n 1": lambda x: x[:, tf.newaxis, :, tf.newaxis],
        "d a n b -> d a b n": lambda x: tf.transpose(x, (0, 1, 3, 2)),
        "i b d -> (i b) d": lambda x: tf.reshape(x, (-1, tf.shape(x)[-1])),
        "b d -> i b d": lambda x, i: tf.repeat(x[tf.newaxis], i, axis=0),
    }

    @tf.autograph.experimental.do_not_convert
    def rearranged(x: Any, pattern: str, **sizes: Any) -> Any:
        return axes[pattern](x, **sizes)

    if importlib.util.find_spec("einops") is None:
        hsic_estimators.rearrange = replicated_designs.rearrange = replicated_designs.repeat = rearranged
    if importlib.util.find_spec("tensorflow_probability") is None:
        percentile = SimpleNamespace(percentile=lambda x, q, interpolation: np.percentile(x, q, method=interpolation))
        hsic_estimators.tfp = SimpleNamespace(stats=percentile)
    return attributions
