"""Explanations and their case, as the workflow hands them to a score, from a model in memory."""

from functools import cache

import numpy as np

from pellucid import plugins, seeds
from pellucid.config.schema_errors import parameters_schema, with_defaults
from pellucid.explain.base import holds
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, ScoreContext


@cache
def opened(model, *task, **options):
    """The explained model of a network that no test changes: what TensorFlow traced for one test serves the others."""
    return ExplainedModel(model, *task, **options)


def case_of(model, inputs, targets=None, labels=None, **explained_model):
    """A case of random or given targets, which are the labels too where none are given."""
    explained_model = ExplainedModel(model, **explained_model)
    targets = np.arange(len(inputs)) % explained_model.n_classes if targets is None else np.asarray(targets)
    labels = targets if labels is None else np.asarray(labels)
    data_info = {
        "kind": "image" if inputs.ndim == 4 else "series",
        "classes": [str(one) for one in range(explained_model.n_classes)],
    }
    return ScoreContext(
        data_info=data_info, inputs=inputs, targets=targets, labels=labels, model=explained_model, seed=1
    )


def explanation_of(case, method, **parameters):
    """One method's explanation of a case; `re_explain` notes in `re_explain.calls` how many inputs each call had."""
    plugin = plugins.load("explain")[method]
    chosen = with_defaults(parameters, parameters_schema(plugins.parameters(plugin)))

    def re_explain(inputs, targets, seed=None, model=None, training=None):
        re_explain.calls.append(len(inputs))
        rng = seeds.generator(case.seed if seed is None else seed, "explain", method)
        background = {"training": case.training if training is None else training}
        background = background if plugin.SPEC.needs_training else {}
        return plugin.explain(model or case.model, inputs, targets, rng, **background, **chosen)

    re_explain.calls = []
    found = re_explain(case.inputs, case.targets)
    re_explain.calls.clear()
    signed, per_channel = holds(plugin.SPEC.signed, chosen), holds(plugin.SPEC.per_channel, chosen)
    return Explanation(method, method, found, per_channel=per_channel, signed=signed, re_explain=re_explain)
