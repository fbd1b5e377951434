"""What methods may require of a model that was opened: the features of its graph, and those of the workflow's own."""

from __future__ import annotations

from pellucid import plugins
from pellucid.features import with_implied
from pellucid.models.imported import activations, archive
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.token_graph import has_token_graph

# Features of the workflow's own architectures that a graph does not show, and the name of the layer that has them.
_NAMED_LAYERS = {"attention": "attention_weights", "instances": "instance_weights"}


def of_model(config: archive.Config, where: str, explained: ExplainedModel) -> tuple[str, ...]:
    """Return what methods may require of a model with layers."""
    if explained.held_inputs:
        return _of_several(explained)
    modules, name = plugins.load("models"), str(config["config"].get("name"))
    layers = {layer["config"].get("name") for layer in config["config"]["layers"]}
    declared = modules[name].SPEC.features if name in modules else ()
    named = tuple(feature for feature, layer in _NAMED_LAYERS.items() if feature in declared and layer in layers)
    of_graph = archive.features(config, where)
    # Before it is opened, a graph does not tell whether one unit at its end is a value or the score of two classes.
    gap = ("gap",) if "gap" not in of_graph and explained.places.pooled is not None else ()
    return with_implied((*of_graph, *gap, *named, "layers"))


def _of_several(explained: ExplainedModel) -> tuple[str, ...]:
    """Return what methods may require of a model whose other inputs are held, from its own graph."""
    has = {
        "conv": bool(explained.places.ends),
        "relu": activations.has_relus(explained.nodes),
        "rescale_rule": all(operation.fits for operation in explained.operations),
        "gap": explained.places.pooled is not None,
        "self_attention": has_token_graph(explained.places),
    }
    return with_implied((*(name for name in has if has[name]), "layers"))
