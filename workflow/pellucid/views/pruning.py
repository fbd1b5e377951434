"""Pruning: how accuracy and explanations change when weights are set to zero."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import plugins, tables
from pellucid.errors import InputError
from pellucid.explain.base import measured_for, require_finite
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network.explained_model import ExplainedModel
from pellucid.parameters import UNIQUE
from pellucid.ranks import levels, spearman
from pellucid.shares import round_of
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared.sampling import parts, proportional

logger = logging.getLogger(__name__)

Weights = Mapping[str, Sequence[NDArray[Any]]]
# A kernel's layer, and its index among the layer's weights.
Place = tuple[str, int]

SPEC = ViewSpec(
    title="Pruning",
    about="The model is tested again with fewer and fewer weights of its kernels. The kept weights are random ones, "
    "the largest of the whole model, or the largest of each layer. The figure shows the accuracy, and the rank "
    "correlation of explanations with those of the whole model.",
    paper="Han S, Pool J, Tran J, Dally W. Learning both Weights and Connections for Efficient Neural Networks. "
    "NeurIPS (2015), without training again; by layer and by chance as in Blalock D et al. What is the State of Neural "
    "Network Pruning? MLSys (2020)",
    requires=("labels", "layers"),
    needs=("test", "examples"),
    texts=("csv",),
    # Its accuracy is of classes.
    tasks=(SINGLE_LABEL,),
)


def check(*, methods: Sequence[str], **unused: object) -> None:
    """Refuse methods that do not exist, or that need the training examples, which this view does not read.

    Raises:
        InputError: with the name of such a method.
    """
    known = plugins.load("explain")
    names = [name for name, module in known.items() if not module.SPEC.needs_training]
    for name in methods:
        if name not in names:
            found = f'"{name}", which needs the training examples' if name in known else abbreviate(name)
            raise InputError.unexpected(
                "methods", found, f"some of {comma_list(names)}", did_you_mean(name, names).strip()
            )


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    strategies: Annotated[
        Sequence[Literal["random", "global_magnitude", "layer_magnitude"]],
        Field(
            min_length=1,
            json_schema_extra=UNIQUE,
            description="which weights are kept. random: random ones, as many as the density says. global_magnitude: "
            "the largest weights of all kernels together. layer_magnitude: the largest weights of each kernel",
        ),
    ] = ("random", "global_magnitude", "layer_magnitude"),
    densities: Annotated[
        Sequence[Annotated[float, Field(ge=0, le=1)]],
        Field(
            min_length=1, max_length=100, json_schema_extra=UNIQUE, description="shares of the weights that are kept"
        ),
    ] = (1, 0.8, 0.6, 0.4, 0.2, 0.1, 0.05),
    repeats: Annotated[int, Field(ge=1, le=1_000, description="masks of the random strategy")] = 3,
    points: Annotated[
        int,
        Field(
            ge=1, le=100_000, description="largest number of test examples for the accuracy; classes keep their shares"
        ),
    ] = 2000,
    methods: Annotated[
        Sequence[str], Field(json_schema_extra=UNIQUE, description="attribution methods, with their default parameters")
    ] = ("saliency", "grad_cam"),
) -> dict[str, NDArray[Any] | str]:
    """Prune with every strategy at every density; at the end the model has its original weights.

    Returns:
        Of each trial (T): `strategy`, `repeat`, `density`, `kept` (the share of weights that are not zero), `accuracy`
        (T,), and `rank_correlation` (T, methods); `methods`, the names of the methods that apply to the model;
        `chance`, the share of the most frequent class among the test examples; `weights`, the number of weights in the
        kernels; `csv`, the trials as a table.

    Raises:
        InputError: the model has no kernels.
    """
    x, labels = data.test
    sampled = proportional(labels, points, rng)
    y = labels[sampled]
    inputs, whole, measured = data.examples["inputs"], data.examples["predictions"], data.examples.get("measured")
    places = kernels(model)
    weights = model.weights
    total = sum(weights[name][at].size for name, at in places)
    seed = int(rng.integers(2**31))
    # The same random scores at every density, so that a weight that is dropped stays dropped at lower densities.
    masks = rng.integers(2**31, size=repeats)
    question = _Question(inputs, whole, measured, seed)
    maps = _explain(model, methods, question)
    trials: dict[str, list[Any]] = {
        name: [] for name in ("strategy", "repeat", "density", "kept", "accuracy", "rank_correlation")
    }
    for strategy in strategies:
        for repeat in range(repeats if strategy == "random" else 1):
            for density in densities:
                pruned = prune(weights, places, strategy, density, np.random.default_rng(masks[repeat]))
                with model.altered(pruned):
                    right = [model.logits(part).argmax(1) for part in parts(x, sampled, model.batch_size())]
                    altered = _explain(model, list(maps), question)
                trials["strategy"].append(strategy)
                trials["repeat"].append(repeat)
                trials["density"].append(density)
                trials["kept"].append(sum(np.count_nonzero(pruned[name][at]) for name, at in places) / total)
                trials["accuracy"].append((np.concatenate(right) == y).mean())
                trials["rank_correlation"].append(
                    [rank_correlation(maps[name], altered[name], measured) for name in maps]
                )
    arrays: dict[str, Any] = {name: np.array(values) for name, values in trials.items()}
    arrays |= {
        "methods": np.array(list(maps), dtype=str),
        "chance": np.array(np.bincount(y).max() / len(y)),
        "weights": np.array(total),
        "points": np.array(len(y)),
        "examples": np.array(len(inputs)),
    }
    return arrays | {"csv": _table(arrays)}


def kernels(model: ExplainedModel) -> list[Place]:
    """Return where the kernels are, without biases and without the weights of batch normalisation.

    Raises:
        InputError: there are no kernels.
    """
    places = [
        (name, position)
        for name in model.weights
        for position, variable in enumerate(model.layers[name].weights)
        if variable.name.endswith("kernel")
    ]
    if not places:
        raise InputError("model", "no layer has a kernel, so there is nothing to prune.")
    return places


def prune(
    weights: Weights, places: Sequence[Place], strategy: str, density: float, rng: np.random.Generator
) -> dict[str, list[NDArray[Any]]]:
    """Return the weights of the layers with kernels; exactly a share of the kernels' weights is kept, the rest is 0.

    Args:
        weights: of all layers, as `ExplainedModel.weights`; they are not changed.
        places: of the kernels.
        strategy: random, global_magnitude or layer_magnitude.
        density: share to keep: of every kernel, or of all kernels together for global_magnitude.
        rng: for random; with the same state, the weights kept at one density are also kept at all higher ones.
    """
    pruned = {name: list(weights[name]) for name, _ in places}
    if strategy == "random":
        scores = [rng.random(weights[name][at].shape, np.float32) for name, at in places]
    else:
        scores = [np.abs(weights[name][at]) for name, at in places]
    if strategy == "global_magnitude":
        flat = _largest(np.concatenate([score.ravel() for score in scores]), density)
        masks = np.split(flat, np.cumsum([score.size for score in scores])[:-1])
    else:
        masks = [_largest(score.ravel(), density) for score in scores]
    for (name, at), mask in zip(places, masks, strict=True):
        kernel = weights[name][at]
        pruned[name][at] = np.where(mask.reshape(kernel.shape), kernel, 0).astype(kernel.dtype)
    return pruned


def _largest(scores: NDArray[Any], density: float) -> NDArray[np.bool_]:
    """Return a mask of the largest scores (n,), exactly a share `density` of them; of equal scores the first."""
    count = round_of(density, len(scores))
    if count == 0:
        return np.zeros(len(scores), bool)
    limit = np.partition(scores, len(scores) - count)[len(scores) - count]
    mask: NDArray[np.bool_] = scores > limit
    mask[np.flatnonzero(scores == limit)[: count - np.count_nonzero(mask)]] = True
    return mask


class _Question(NamedTuple):
    """What every model is asked to explain: inputs (N, *input_shape), their targets, and what was measured of them."""

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    measured: NDArray[np.bool_] | None
    seed: int


def _explain(model: ExplainedModel, methods: Sequence[str], question: _Question) -> dict[str, NDArray[np.float32]]:
    """Return the attributions (N, *input_shape) by method, without methods that do not apply to the model."""
    inputs, targets, measured, seed = question
    by_method = {}
    for name in methods:
        plugin = plugins.load("explain")[name]
        parameters = {**plugins.defaults(plugin), **measured_for(plugin, measured)}
        try:
            # The same random numbers for every density, so that only the weights differ.
            attributions = plugin.explain(model, inputs, targets, np.random.default_rng(seed), **parameters)
            require_finite(attributions, inputs, name)
            by_method[name] = attributions
        except InputError as error:
            logger.warning("%s is left out: %s", name, error)
    return by_method


def rank_correlation(
    before: NDArray[np.float32], after: NDArray[np.float32], measured: NDArray[np.bool_] | None = None
) -> float:
    """Return the mean over examples of Spearman's correlation of two absolute attributions (N, *input_shape).

    It is over the measured values; `measured` None: all. It is 0 for an example whose second map is constant. Examples
    whose first map is constant are left out; NaN if no example is left.
    """
    maps = [np.abs(of).reshape(len(of), -1) for of in (before, after)]
    if measured is None:
        rows = [(first[np.newaxis], second[np.newaxis]) for first, second in zip(*maps, strict=True)]
    else:
        kept = measured.reshape(len(before), -1)
        rows = [(first[np.newaxis, at], second[np.newaxis, at]) for first, second, at in zip(*maps, kept, strict=True)]
    ordered = [pair for pair in rows if pair[0].size and np.ptp(levels(pair[0])) > 0]
    return float(np.mean([spearman(*pair)[0] for pair in ordered])) if ordered else float("nan")


def _table(arrays: Mapping[str, NDArray[Any]]) -> str:
    import pandas as pd

    columns = {name: arrays[name] for name in ("strategy", "repeat", "density", "kept", "accuracy")}
    columns |= {
        f"rank_correlation_{name}": arrays["rank_correlation"][:, at] for at, name in enumerate(arrays["methods"])
    }
    return tables.as_text(pd.DataFrame(columns), float_format="%.6g")
