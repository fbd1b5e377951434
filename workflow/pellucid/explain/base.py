"""The contract of an attribution method.

A method is a module of this package with two names:

- `SPEC`, a `MethodSpec`;
- `explain(model, inputs, targets, rng, **parameters) -> float32 array of the inputs' shape`.

Each keyword-only argument of `explain` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
It may have the other functions of `Method`, which state what happens without them; one that declares "completeness" has
`reference` or `expected`.
One whose `explain` (and `reference`) has a parameter `measured` gets where the inputs were measured (bool, of their
shape) if parts of them were filled, to leave those as they are; what it says of them is not kept.
A method asks the model through `ExplainedModel` alone, works on all inputs at once, and draws random numbers from
`rng` alone.
Nothing else has to be edited to add one: the file is found by its name, and `config.yaml` turns it on.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

if TYPE_CHECKING:
    from pellucid.network.explained_model import ExplainedModel


@dataclass(frozen=True)
class MethodSpec:
    """What a method declares about itself, readable without TensorFlow.

    Attributes:
        title: its name for people.
        family: gradient, class activation, perturbation, Shapley, intrinsic or control.
        paper: the source that it implements.
        unit: of its values, for the colour bar.
        per_channel: whether channels get values of their own, or one map is repeated for all of them; a text names
            the parameter and value on which it depends, as "channels=each".
        signed: whether values below zero mean evidence against the class; a text as for `per_channel`.
        per_unit: whether a value is a gradient, the change of the logit per unit of the input, so that a change of the
            input is worth the value times the change; else a value is what the input's value has added, or says how
            much it matters (a variance or a square of gradients as well). A text as for `per_channel`.
        checks: properties that it promises: "completeness" (values sum to the change of the logit), "coverage"
            (every input value can receive some).
        requires: features that the architecture must have, such as "conv".
        needs_model: whether `explain` asks the model anything; where it does not, the job starts no TensorFlow, and the
            ExplainedModel is None.
        needs_training: whether `explain` (and `reference` or `expected`) get the training examples as `training`,
            (M, *input_shape), mapped from the file, to draw a background from.
    """

    title: str
    family: str
    paper: str
    unit: str
    per_channel: bool | str
    signed: bool | str
    per_unit: bool | str = False
    checks: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    needs_model: bool = True
    needs_training: bool = False
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
        """Refuse parameters that examples of these sizes, without the channels, are too small for (InputError)."""

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
    """The argument `measured`, for a method that takes it, where something was not measured."""
    takes = measured is not None and "measured" in inspect.signature(method.explain).parameters
    return {"measured": measured} if takes else {}


def on_measured(attributions: NDArray[np.float32], measured: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """Attributions that are 0 where nothing was measured."""
    return attributions if measured is None else np.where(measured, attributions, np.float32(0))


def holds(declared: bool | str, parameters: Mapping[str, Any]) -> bool:
    """Whether a declaration ("channels=each", or plainly True) holds for these parameters.

    Several values are separated by a bar: "mode=signed|positive".
    """
    if isinstance(declared, bool):
        return declared
    name, _, values = declared.partition("=")
    return str(parameters[name]) in values.split("|")


def require_finite(attributions: NDArray[Any], inputs: NDArray[Any], label: str) -> None:
    """Refuse attributions of another shape than the inputs', or of which one is NaN or infinite.

    Raises:
        InputError: as said, with the number of the example.
    """
    if attributions.shape != inputs.shape:
        raise InputError.unexpected(
            label, f"attributions of shape {attributions.shape}", f"the inputs' shape {inputs.shape}"
        )
    if not np.isfinite(attributions).all():
        index = int(np.argwhere(~np.isfinite(attributions))[0][0])
        fault = "NaN" if np.isnan(attributions[index]).any() else "infinity"
        hint = "The scores of the model are finite there, its gradients may not be: occlusion, rise and lime need none."
        raise InputError.unexpected(
            label, f"{fault} in the attribution of explained example {index}", "finite values", hint
        )
