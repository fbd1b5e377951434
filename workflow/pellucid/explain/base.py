"""The contract of an attribution method.

A method is a module of this package with two names:

- `SPEC`, a `MethodSpec`;
- `explain(model, inputs, targets, rng, **parameters) -> float32 array of the inputs' shape`. With a parameter `domain`
  other than time, the array has the shape that `shared/domains.py` states.

Each keyword-only argument of `explain` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
A method may also define the other functions of `Method`; the bodies there say what happens without them. A method that
declares "completeness" must have `reference` or `expected`.
`explain` (and `reference`) may have a parameter `measured`: bool, of the inputs' shape, false for padding and filled
gaps. The method must leave such values as they are; their attributions are set to 0.

A method uses the model only through `ExplainedModel`, explains all inputs at once, and draws random numbers only from
`rng`. To add a method, no other file has to be edited: it is found by its file name, and `config.yaml` turns it on.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.config.variants import TIME, domain_of
from pellucid.errors import InputError
from pellucid.tasks import TASKS

if TYPE_CHECKING:
    from pellucid.network.explained_model import ExplainedModel


class When:
    """A declaration that is true when a parameter has one of some values: `When("channels", "each")`."""

    def __init__(self, parameter: str, *values: str | bool) -> None:
        self.parameter, self.values = parameter, values


@dataclass(frozen=True)
class MethodSpec:
    """The declarations of a method, readable without TensorFlow.

    Attributes:
        title: its name in figures and tables.
        family: gradient, relevance, class activation, perturbation, Shapley, intrinsic or control.
        paper: the publication that it implements.
        unit: unit of its values, for the colour bar.
        other_units: the unit where a parameter has a value that changes it: (parameter, value, unit); see `unit_of`.
        per_channel: whether every channel gets its own values; else one map is repeated for all channels.
        signed: whether values below zero mean evidence against the class.
        is_gradient: whether a value is the change of the logit per unit of the input. The effect of a change of the
            input is then the value times the change. Otherwise a value is what the input's value adds to the logit, or
            how much it matters (also a variance or a square of gradients).
        checks: properties that it must have: "completeness" (the values sum to the change of the logit), "coverage"
            (every input value can get an attribution).
        requires: features that the architecture must have, such as "conv".
        needs_model: whether `explain` uses the model; if not, `model` is None and the job does not start TensorFlow.
        needs_training: whether `explain` (and `reference` or `expected`) get the training examples as `training`,
            (M, *input_shape), mapped from the file, to draw a background from.
        tasks: the tasks of models (`tasks.py`) for which it has a meaning.
        of_numbers: whether it has a meaning for an input of numbers, which have no neighbours.
        kinds: the kinds of data for which it has a meaning: series, image. A method of one kind also refuses the other
            in `fits`.
    """

    title: str
    family: str
    paper: str
    unit: str
    per_channel: bool | When
    signed: bool | When
    is_gradient: bool | When = False
    checks: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    needs_model: bool = True
    needs_training: bool = False
    tasks: tuple[str, ...] = TASKS
    of_numbers: bool = True
    kinds: tuple[str, ...] = ("series", "image")
    other_units: tuple[tuple[str, str, str], ...] = ()
    function: ClassVar[str] = "explain"

    @property
    def contract(self) -> type[Method]:
        """The functions that a method may have, with their defaults."""
        return Method


class Method(Protocol):
    """A method module, as the rest of the package sees it."""

    SPEC: MethodSpec

    def explain(
        self,
        model: ExplainedModel,
        inputs: NDArray[np.float32],
        targets: NDArray[np.int64],
        rng: np.random.Generator,
        **parameters: Any,
    ) -> NDArray[np.float32]: ...

    def check(self, **parameters: Any) -> None:
        """Refuse a combination of parameters (InputError), before any job is planned."""

    def fits(self, axes: Sequence[int], **parameters: Any) -> None:
        """Refuse parameters for which examples of these sizes (without the channels) are too small (InputError)."""

    def suits(self, model: ExplainedModel) -> None:
        """Refuse a model that lacks a feature of `requires`, if the message can say why it lacks it (InputError).

        `pellucid.explain` calls this before its own refusal, which names only the feature. The workflow checks features
        while it plans, without a model.
        """

    def reference(
        self, inputs: NDArray[np.float32], rng: np.random.Generator, **parameters: Any
    ) -> NDArray[np.float32]:
        """Return the inputs from which a method that promises completeness counts the change of the logit."""
        raise NotImplementedError

    def expected(
        self,
        model: ExplainedModel,
        inputs: NDArray[np.float32],
        targets: NDArray[np.int64],
        rng: np.random.Generator,
        **parameters: Any,
    ) -> NDArray[Any]:
        """Return the logits (N,) from which a method that promises completeness counts the change."""
        return model.score(self.reference(inputs, rng, **parameters), targets)


def measured_for(method: Any, measured: NDArray[np.bool_] | None) -> dict[str, Any]:
    """Return `measured` as a keyword argument of `explain`; nothing if the method does not take it, or it is None."""
    takes = measured is not None and "measured" in inspect.signature(method.explain).parameters
    return {"measured": measured} if takes else {}


def on_measured(attributions: NDArray[np.float32], measured: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """Return the attributions, set to 0 where nothing was measured."""
    return attributions if measured is None else np.where(measured, attributions, np.float32(0))


def holds(declared: bool | When, parameters: Mapping[str, Any]) -> bool:
    """Return whether a declaration of a `MethodSpec` is true for these parameters."""
    return declared if isinstance(declared, bool) else parameters[declared.parameter] in declared.values


def unit_of(spec: MethodSpec, parameters: Mapping[str, Any]) -> str:
    """Return the unit of a method's values with these parameters: of the gradient of a logit, "∂ logit / ∂ input".

    In another domain than time a gradient is by the coefficients of the transform.
    """
    units = (unit for name, value, unit in spec.other_units if parameters.get(name) == value)
    unit = next(units, spec.unit)
    return unit if domain_of(parameters) == TIME else unit.replace("∂ input", "∂ coefficient")


def require_finite(
    attributions: NDArray[Any], inputs: NDArray[Any], label: str, of_example: Sequence[int] | None = None
) -> None:
    """Refuse attributions that have another shape than they should, or are NaN or infinite.

    Args:
        attributions: what the method returned.
        inputs: (N, *input_shape).
        label: of the variant.
        of_example: the shape of a map; None for that of an input.

    Raises:
        InputError: with the number of the first such example.
    """
    expected = inputs.shape if of_example is None else (len(inputs), *of_example)
    if attributions.shape != expected:
        name = "the inputs' shape" if of_example is None else "shape"
        raise InputError.unexpected(label, f"attributions of shape {attributions.shape}", f"{name} {expected}")
    if not np.isfinite(attributions).all():
        index = int(np.argwhere(~np.isfinite(attributions))[0][0])
        fault = "NaN" if np.isnan(attributions[index]).any() else "infinity"
        hint = "The model's gradients may overflow: occlusion, rise and lime need no gradients."
        raise InputError.unexpected(
            label, f"{fault} in the attribution of explained example {index}", "finite values", hint
        )
