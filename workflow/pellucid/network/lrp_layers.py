"""Layers that LRP looks at as a whole: normalisations over an example, and recurrent layers, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError
from pellucid.network import deeplift

if TYPE_CHECKING:
    import tensorflow as tf

_NORMS = frozenset({"GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"})


@contextmanager
def step_by_step(layer: Any) -> Iterator[None]:
    """Let a recurrent layer compute its steps one after another instead of in a loop, inside a `with` block."""
    both = [getattr(layer, name) for name in ("forward_layer", "backward_layer") if hasattr(layer, name)]
    looping = [(part, part.unroll) for part in both or [layer] if hasattr(part, "unroll")]
    for part, _ in looping:
        part.unroll = True
    try:
        yield
    finally:
        for part, before in looping:
            part.unroll = before


def recurrent(layers: Mapping[str, Any]) -> set[str]:
    """Return the names of the recurrent layers."""
    return {name for name, layer in layers.items() if hasattr(layer, "unroll") or hasattr(layer, "forward_layer")}


class Norms:
    """Layers that divide an example's values by their own spread.

    Relevance goes through them as it is (Achtibat R et al. AttnLRP: Attention-Aware Layer-Wise Relevance Propagation
    for Transformers. ICML (2024), identity rule of normalisations).
    """

    def __init__(self, sources: dict[Any, tf.Tensor]) -> None:
        self._sources = sources

    @classmethod
    def of(cls, path: deeplift.Path, owners: Mapping[str, str], layers: Mapping[str, Any]) -> Norms:
        """Find the result and the input of each use of such a layer.

        Raises:
            InputError: such a layer has several results or inputs.
        """
        # A class of the user's own with such a name may do anything.
        kinds = {name: type(layer) for name, layer in layers.items() if type(layer).__module__.startswith("keras.")}
        names = {name for name, kind in kinds.items() if kind.__name__ in _NORMS}
        uses = [(name, steps) for name in sorted(names) for steps in _uses(path, owners, name)]
        sources: dict[Any, tf.Tensor] = {}
        for name, steps in uses:
            made = {output.ref() for step in steps for output in step.op.outputs}
            taken = {step.op.inputs[place].ref() for step in steps for place in step.operands} - made
            mine = {id(step) for step in steps}
            others = {
                step.op.inputs[place].ref() for step in path.steps if id(step) not in mine for place in step.operands
            }
            results = made & (others | {path.end.ref()})
            if len(taken) != 1 or len(results) != 1:
                found = f"{len(taken)} inputs and {len(results)} results of a normalisation"
                raise InputError.unexpected(f"lrp: layer {name}", found, "one of each")
            sources[results.pop()] = taken.pop().deref()
        return cls(sources)

    def source(self, output: tf.Tensor) -> tf.Tensor | None:
        """Return the input of the normalisation whose result this is; None where it is no such result."""
        return self._sources.get(output.ref())


def _uses(path: deeplift.Path, owners: Mapping[str, str], name: str) -> list[list[deeplift.PathStep]]:
    """Return the operations of a layer, apart for each of its uses: those that share a value belong together."""
    groups: list[tuple[set[Any], list[deeplift.PathStep]]] = []
    for step in path.steps:
        if owners.get(step.op.name, "") != name:
            continue
        values = {step.op.inputs[place].ref() for place in step.operands} | {output.ref() for output in step.op.outputs}
        joined = [group for group in groups if group[0] & values]
        steps = [*(other for group in joined for other in group[1]), step]
        groups = [group for group in groups if not group[0] & values]
        groups.append((values.union(*(group[0] for group in joined)), steps))
    return [steps for _, steps in groups]
