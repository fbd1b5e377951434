"""Concept parts (CRAFT): the concepts in the model's features of crops of one class, and their importance."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from pellucid import tables
from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.explain.shared import low_discrepancy
from pellucid.explain.shared.total_indices import total_indices
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import map_layer
from pellucid.views.base import Layer, ViewData, ViewSpec
from pellucid.views.shared.crops import Crops, Maps
from pellucid.views.shared.factorised import Parts, factorise
from pellucid.views.shared.sampling import members_of, outputs_of
from pellucid.views.shared.sampling import shown as as_shown

Array = NDArray[np.float32]

logger = logging.getLogger(__name__)

SPEC = ViewSpec(
    title="Concept parts (CRAFT)",
    about="The concepts that the model's features of a class are made of. Each row is a concept: the crops of "
    "training examples that have most of it, and the places where test examples have it. Sobol: the share of the "
    "score's variance to which the amount of this concept contributes. After it: how far the score falls without the "
    "concept.",
    paper="Fel T, Picard A, Bethune L, Boissin T, Vigouroux D, Colin J, Cadene R, Serre T. CRAFT: Concept Recursive "
    "Activation FacTorization for Explainability. CVPR (2023), equations 2 and 3, without the recursion",
    requires=("conv", "labels"),
    needs=("training", "test", "measured"),
    texts=("csv",),
    words=("output",),
)

_MOST_VALUES = 2**23  # of the feature maps that go through the rest of the model at once


def check(*, designs: int, **unused: object) -> None:
    """Refuse a number of points of a Sobol sequence that is no power of two (InputError)."""
    low_discrepancy.require_power_of_two(designs, "concept_parts.designs")


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    layer: Layer = "last",
    concepts: Annotated[int, Field(ge=2, le=100, description="number of concepts of each class, label or value")] = 10,
    window: Annotated[float, Field(gt=0, le=1, description="length of a crop, as a share of each axis")] = 0.25,
    crops: Annotated[
        Literal["in_place", "resized"],
        Field(
            description="in_place: the features of the whole example inside the crop; nothing is stretched. resized: "
            "each crop is brought to the size of the input, as in the paper; only where size does not matter"
        ),
    ] = "in_place",
    examples: Annotated[
        int, Field(ge=2, le=10_000, description="largest number of training examples of each class")
    ] = 40,
    points: Annotated[int, Field(ge=1, le=1_000, description="test examples on which importance is measured")] = 12,
    designs: Annotated[
        int, Field(ge=2, le=65_536, description="points of the Sobol sequence for each concept, a power of two")
    ] = 32,
    top: Annotated[int, Field(ge=1, le=20, description="crops drawn for each concept")] = 3,
    drawn: Annotated[int, Field(ge=1, le=20, description="test examples drawn for each class")] = 3,
    rows: Annotated[
        int, Field(ge=1, le=20, description="number of concepts drawn for each class: the most important ones")
    ] = 3,
    shown: Annotated[
        int, Field(ge=1, le=100, description="largest number of classes, labels or values: the first ones")
    ] = 4,
) -> dict[str, NDArray[Any] | str]:
    """Factorise the features of crops of each class, label or high value, and measure the importance of each concept.

    The features A (crops, features) become U W with U, W ≥ 0 (Frobenius norm); W holds the concepts. The maps of whole
    test examples are written in the same concepts. Each concept's amount is then multiplied by a number between 0 and 1
    of its own, the same at all positions, and the total Sobol index of that number is the concept's importance.

    Returns:
        For the K outputs and R concepts, the most important first: `outputs` (K,), `numbers` (K,), how many of the R
        concepts there are (the rest is 0), `importance` and `importance_sd` (K, R), mean and standard deviation over
        test examples, `effect` (K, R), how far the score falls without the concept; `kept` (K,), the share of the
        crops' squared features that U W has; `scores` (K, 3), the mean score of the test examples, the same with U W
        for their features, and with 0 for all features; `doubtful` (K,), whether the second is far from the first;
        `crop_size` (axes,); of the drawn rows `crop_rows` (K, rows, top), indices of training examples, -1 for none,
        `crop_starts` (K, rows, top, axes), `crop_examples` (K, rows, top, *input_shape); of the drawn test examples
        `inputs` (K, drawn, *input_shape), `input_rows` (K, drawn), -1 for none, `presence` (K, drawn, rows, *axes), the
        amount of each concept on the input; `members` (K,), training examples; `layer`; `csv`.

    Raises:
        InputError: no such layer, no maps on the axes of the input, or features below 0.
    """
    maps = Maps(model, map_layer(model, layer))
    x_train, y_train = data.training
    x_test, y_test = data.test
    places = Crops.of(tuple(model.input_shape[:-1]), window)
    found = []
    for unit in (int(output) for output in outputs_of(y_train, data.task)[:shown]):
        train = members_of(y_train, rng.permutation(len(y_train)), unit, data.task)[:examples]
        test = members_of(y_test, rng.permutation(len(y_test)), unit, data.task)[:points]
        if not len(test):
            continue
        x = np.asarray(x_train[np.sort(train)])
        with threadpool_limits(1):
            parts = factorise(maps.of_crops(x, places, crops), concepts, maps.layer)
            of_unit = _measured(maps, parts, np.asarray(x_test[test]), unit, designs, rng)
        order = np.argsort(-of_unit["importance"], kind="stable")
        best = _best_crops(parts.amounts, order[:rows], top)
        found.append(
            _of_output(of_unit, order)
            | _of_crops(best, np.sort(train), as_shown(x_train, data.training_measured, np.sort(train)), places)
            | _of_tests(
                of_unit["presence"][:, order[:rows]],
                as_shown(x_test, data.test_measured, test[:drawn]),
                test,
                maps,
                drawn,
            )
            | {"outputs": unit, "members": len(train), "kept": parts.kept, "numbers": parts.concepts.any(1).sum()}
        )
    if not found:
        raise InputError.unexpected(
            "test examples", "none of the classes that are shown", "at least one", "Raise shown."
        )
    arrays: dict[str, Any] = {key: np.stack([np.asarray(of[key]) for of in found]) for key in found[0]}
    arrays["doubtful"] = np.array([_doubtful(scores) for scores in arrays["scores"]])
    _tell_doubtful(arrays, data.data_info["classes"])
    arrays |= {"layer": np.array(maps.layer), "crop_size": np.array(places.size), "way": np.array(crops)}
    return arrays | {"csv": _table(arrays, data.data_info["classes"])}


def _tell_doubtful(arrays: dict[str, Any], classes: Sequence[str]) -> None:
    """Warn of each output whose concepts do not stand for its features."""
    for place in np.flatnonzero(arrays["doubtful"]):
        plain, rebuilt, _ = arrays["scores"][place]
        logger.warning(
            "%s: its concepts do not stand for its features: the mean score of the test examples is %.3g, but %.3g "
            "from the concepts alone. Take more concepts, or crops: in_place.",
            classes[int(arrays["outputs"][place])],
            plain,
            rebuilt,
        )


def _doubtful(scores: NDArray[np.float64]) -> bool:
    """Return whether concepts reach less than 70% or more than 130% of a score, measured from the score of no features.

    Args:
        scores: (3,), of the features, of the concepts alone, and of no features.
    """
    plain, rebuilt, empty = scores
    return bool(abs(rebuilt - plain) > 0.3 * abs(plain - empty))


def _measured(
    maps: Maps, parts: Parts, x: Array, unit: int, designs: int, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Return how much each concept matters for the score of an output in test examples (N, *input_shape).

    Returns:
        importance, importance_sd, effect (R,); scores (3,): of the features, of U W, and of no features; presence
        (N, R, *units).
    """
    number = len(parts.concepts)
    cube = low_discrepancy.points(designs, 2 * number, "sobol", rng, "concept_parts")
    first, second = cube[:, :number], cube[:, number:]
    swapped = np.repeat(first[np.newaxis], number, 0)
    swapped[np.arange(number), :, np.arange(number)] = second.T
    ones = np.ones((1, number))
    masks = np.concatenate([first, swapped.reshape(-1, number), 0 * ones, ones, 1 - np.eye(number)])
    varied, effects, presence, bounds = [], [], [], []
    for example in x:
        own = maps.of(example[np.newaxis])
        amounts = parts.amounts_of(own.reshape(-1, own.shape[-1]))
        size = max(1, _MOST_VALUES // own.size)
        scores = np.concatenate(
            [
                maps.scores(example, unit, _with(amounts, masks[some], parts.concepts, own.shape[1:]))
                for some in slices(len(masks), size)
            ]
        ).astype(np.float64)
        varied.append(scores[: -number - 2].reshape(1 + number, designs))
        bounds.append(scores[-number - 2 : -number])
        effects.append(scores[-number - 1] - scores[-number:])
        presence.append(amounts.T.reshape(number, *own.shape[1:-1]))
    indices = total_indices(np.stack(varied, -1))
    plain = maps.model.score(x, np.full(len(x), unit, np.int64))
    return {
        "importance": indices.mean(0),
        "importance_sd": indices.std(0),
        "effect": np.mean(effects, 0),
        "scores": np.array([plain.mean(), *np.mean(bounds, 0)[::-1]], np.float64),
        "presence": np.stack(presence).astype(np.float32),
    }


def _with(
    amounts: NDArray[np.float64], masks: NDArray[np.float64], concepts: NDArray[np.float64], shape: tuple[int, ...]
) -> Array:
    """Return the maps (n, *units, features) that amounts (positions, R) under masks (n, R) give."""
    maps = (amounts[np.newaxis] * masks[:, np.newaxis]) @ concepts
    return maps.reshape(-1, *shape).astype(np.float32)


def _best_crops(amounts: NDArray[np.float64], chosen: NDArray[np.int64], top: int) -> NDArray[np.int64]:
    """Return example and crop with most of each concept (concepts, top, 2), -1 for none; one per example at most."""
    best = np.full((len(chosen), top, 2), -1, np.int64)
    for row, concept in enumerate(chosen):
        crop = amounts[:, :, concept].argmax(1)
        most = amounts[np.arange(len(crop)), crop, concept]
        examples = np.argsort(-most, kind="stable")[:top]
        examples = examples[most[examples] > 0]
        best[row, : len(examples)] = np.stack([examples, crop[examples]], -1)
    return best


def _of_output(of_unit: dict[str, NDArray[Any]], order: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    ordered = {key: of_unit[key][order] for key in ("importance", "importance_sd", "effect")}
    return ordered | {"scores": of_unit["scores"]}


def _of_crops(best: NDArray[np.int64], rows: NDArray[np.int64], x: Array, crops: Crops) -> dict[str, NDArray[Any]]:
    """Return the arrays of the drawn crops: of examples x, which are these rows of the training examples."""
    there = best[..., 0] >= 0
    whole = np.where(there.reshape(*there.shape, *(1,) * (x.ndim - 1)), x[best[..., 0]], 0)
    return {
        "crop_rows": np.where(there, rows[best[..., 0]], -1),
        "crop_starts": crops.starts[best[..., 1]],
        "crop_examples": whole.astype(np.float32),
    }


def _of_tests(presence: Array, x: Array, rows: NDArray[np.int64], maps: Maps, drawn: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of the drawn test examples; where there are fewer, the rest is 0."""
    presence = presence[: len(x)]
    laid = maps.on_input(presence.reshape(-1, *presence.shape[2:])).reshape(*presence.shape[:2], *x.shape[1:-1])
    missing = drawn - len(x)
    pads = [((0, missing), *((0, 0),) * (array.ndim - 1)) for array in (laid, x)]
    return {
        "presence": np.pad(laid, pads[0]),
        "inputs": np.pad(x, pads[1]),
        "input_rows": np.pad(rows[: len(x)], (0, missing), constant_values=-1),
    }


def _table(arrays: dict[str, Any], classes: list[str]) -> str:
    """Return a row for each output and concept as CSV."""
    import pandas as pd

    rows = [
        {
            "output": classes[int(unit)],
            "concept": number + 1,
            "importance": arrays["importance"][place, number],
            "importance_sd": arrays["importance_sd"][place, number],
            "effect": arrays["effect"][place, number],
        }
        for place, unit in enumerate(arrays["outputs"])
        for number in range(arrays["numbers"][place])
    ]
    return tables.as_text(pd.DataFrame(rows), float_format="%.6g")
