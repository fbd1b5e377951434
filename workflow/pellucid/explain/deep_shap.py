"""Deep SHAP: DeepLIFT's multipliers, averaged over a background, as the `shap` library computes them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from pellucid import backend
from pellucid.errors import InputError
from pellucid.explain import backgrounds
from pellucid.explain.base import MethodSpec
from pellucid.probe import Probe
from pellucid.wording import listing

SPEC = MethodSpec(
    title="Deep SHAP",
    family="Shapley",
    paper="Lundberg SM, Lee SI. A unified approach to interpreting model predictions. NeurIPS (2017), section 4.2; "
    "multipliers by the rescale rule of Shrikumar A, Greenside P, Kundaje A. Learning important features through "
    "propagating activation differences. ICML (2017), section 3.5.1",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage", "completeness"),
    requires=("rescale_rule",),
    needs_training=True,
    parameters={"background": {**backgrounds.PARAMETER}},
)

# Operations that shap has a rule for, which is that of a function of one value: a maximum over an axis is none.
_WRONG = frozenset({"Max"})
# What the sum may miss of the mean size of the changes that it is made of, before the values are called wrong.
_TOLERANCE = 0.01
# The explainer of a model takes longer to make than to use on few inputs.
_explainers: WeakKeyDictionary[Probe, Any] = WeakKeyDictionary()
_ALTERNATIVES = "Use gradient_shap or integrated_gradients (any layer that has a gradient), or kernel_shap (any model)."


def explain(
    probe: Probe,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    training: NDArray[np.float32],
    background: int = 50,
) -> NDArray[np.float32]:
    """Mean over background rows of (input - row) × multiplier: (N, *input_shape).

    The values sum to the target's logit less its mean over the background.

    Args:
        probe: the model.
        inputs: (N, *input_shape).
        targets: (N,).
        rng: draws the background.
        training: (M, *input_shape), the examples that the background is drawn from.
        background: rows to draw.

    Raises:
        InputError: an operation of the model has no multiplier, or the values do not sum to the change of the logit.
    """
    rows = backgrounds.drawn(training, background, rng)
    found = np.zeros(inputs.shape, np.float64)
    if len(inputs) == 0:
        return found.astype(np.float32)
    shap = _shap()
    _check_operations(probe, shap)
    # An input is joined with a row for each of its copies.
    parts = np.array_split(rows, -(-len(rows) // max(1, probe.batch_size(backward=True) // 2)))
    with _library(shap):
        if probe not in _explainers:
            _explainers[probe] = _explainer(probe, shap, rows)
        explainer, chosen, shown = _explainers[probe]
        for part in parts:
            shown[0] = part
            for target in np.unique(targets):
                chosen.assign(np.eye(probe.n_classes, dtype=np.float32)[:, [target]])
                having = np.flatnonzero(targets == target)
                # Additivity is checked below, for all parts of the background together.
                values = explainer.shap_values(inputs[having], check_additivity=False)[..., 0]
                found[having] += values * (len(part) / len(rows))
    probe.forward_passes += 2 * len(inputs) * len(rows)
    probe.backward_passes += 2 * len(inputs) * len(rows)
    _check_sum(probe, inputs, targets, rows, found)
    return found.astype(np.float32)


# From which the attributions count the change.
expected = backgrounds.expected


def _shap() -> ModuleType:
    """The library, without the plots, which take a third of the time of its import."""
    with backend.hidden("matplotlib"):
        return importlib.import_module("shap")


def _explainer(probe: Probe, shap: ModuleType, rows: NDArray[np.float32]) -> tuple[Any, Any, list[NDArray[np.float32]]]:
    """An explainer, the variable that chooses its logit, and a list whose one entry is its background.

    The background is asked for anew with every input: one explainer, whose graph is made once, serves them all.
    """
    model, chosen = _one_output(probe)
    shown = [rows]
    return shap.DeepExplainer(model, lambda _: shown), chosen, shown


def _one_output(probe: Probe) -> tuple[Any, Any]:
    """A model with one output, and the variable that says which logit it is, (classes, 1).

    One graph serves all targets, and none is worked out that nobody asked for.
    """
    import keras

    logits = probe.logits_model
    pick = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="target")
    model = keras.Model([logits.inputs[0]], pick(logits.outputs[0]))
    return model, pick.kernel


def _check_operations(probe: Probe, shap: ModuleType) -> None:
    """Refuse a model with an operation that shap has no right rule for: it would take the gradient, and say nothing."""
    known = set(importlib.import_module("shap.explainers._deep.deep_tf").op_handlers) - _WRONG
    unknown = [(layer, operation) for layer, operation in probe.operations if operation not in known]
    if unknown:
        first = unknown[0][0]
        kind = f" ({type(probe.layers[first]).__name__})" if first in probe.layers else ""
        operations = dict.fromkeys(operation for layer, operation in unknown if layer == first)
        raise InputError(
            f"deep_shap: layer {first}{kind}",
            f"operations that shap {shap.__version__} has no multiplier for ({listing(operations)})",
            "layers such as Conv, Dense, BatchNormalization, MaxPooling, AveragePooling, ReLU, ELU, tanh, sigmoid",
            _ALTERNATIVES,
        )


def _check_sum(
    probe: Probe,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rows: NDArray[np.float32],
    found: NDArray[np.float64],
) -> None:
    """Refuse values that do not sum to the change of the logit: a rule of the library does not fit the model."""
    at_rows = probe.logits(rows)[:, targets].astype(np.float64)
    at_input = probe.score(inputs, targets).astype(np.float64)
    residual = np.abs(found.sum(tuple(range(1, found.ndim))) - (at_input - at_rows.mean(0)))
    # The changes from single rows can be large and cancel out: their size is the measure, not that of their mean.
    allowed = _TOLERANCE * np.abs(at_input - at_rows).mean(0) + 1e-5 * np.abs(at_rows).max()
    if (residual > allowed).any():
        worst = int(np.argmax(residual - allowed))
        raise InputError(
            "deep_shap",
            f"values of example {worst} that miss the change of the logit by {residual[worst]:.3g}",
            f"at most {allowed[worst]:.3g}: a layer of the model is not treated rightly",
            _ALTERNATIVES,
        )


@contextmanager
def _library(shap: ModuleType) -> Iterator[None]:
    """Let the library work: without its warning of a TensorFlow newer than 2.4, and with errors that say what to do.

    It exchanges TensorFlow's way of recording gradients while it works, and does not give it back when it fails.
    """
    from tensorflow.python.eager import execute

    record = execute.record_gradient
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Your TensorFlow version is newer")
            yield
    except Exception as error:  # Many kinds, from deep inside TensorFlow; the last line is the one that says why.
        reason = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        raise InputError(
            "deep_shap",
            f"a model that shap {shap.__version__} fails on ({reason})",
            "one whose layers it has multipliers for",
            _ALTERNATIVES,
        ) from error
    finally:
        execute.record_gradient = record
