"""Counterfactuals: what would have to change in an example so that the model predicts another class."""

from __future__ import annotations

import logging
import time
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid import tables
from pellucid.errors import InputError
from pellucid.logits import softmax
from pellucid.messages import counted
from pellucid.network.explained_model import ExplainedModel
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import Measure, ViewData, ViewSpec
from pellucid.views.shared import flips, medoids
from pellucid.views.shared.ascent import Statistics, statistics_of
from pellucid.views.shared.features import FeatureLayer, feature_layer, features, features_of
from pellucid.views.shared.sampling import balanced, parts

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

SPEC = ViewSpec(
    title="Counterfactuals",
    about="Each example, and beside it the same example changed until the model predicts its second class: what the "
    "model would have to see instead. Every changed example that is shown as found was given to the model again, "
    "which predicts the other class for it. If no change was found, the figure says so. Distance: the size of the "
    "change, as a share of the distance to the nearest real example of that class. Plausible: the share of the "
    "class's training examples whose nearest neighbour of their class (in the features of a layer) is no nearer than "
    "that of the changed example. Near 0, the changed example is unlike all real ones.",
    paper="Wachter S, Mittelstadt B, Russell C. Harv J Law Technol 31 (2018); Delaney E, Greene D, Keane MT. ICCBR "
    "(2021), native guide; Ates E, Aksar B, Leung VJ, Coskun AK. ICAPAI (2021), CoMTE",
    requires=("labels", "layers", "split"),
    needs=("training", "examples", "measured"),
    texts=("csv",),
    words=("class", "predicted", "changed to"),
    measures={
        "validity": Measure("found", "Share of examples with a change found", "higher", 0, 1, proportion=True),
        "proximity": Measure("distance", "Change, as a share of the way to a real example", "lower", 0),
        "sparsity": Measure("unchanged", "Share of values left as they are", "higher", 0, 1),
        "plausibility": Measure("plausible", "Share of real examples with no nearer neighbour", "higher", 0, 1),
        "in_evidence": Measure("in_evidence", "Share of the change in the planted evidence", "higher", 0, 1),
        "seconds": Measure("seconds", "Seconds for each example", "lower", 0, once=True),
    },
    measured="the examples with a change found (validity and seconds: over all)",
    # Another class takes the place of the predicted one: of labels and values there is no such place.
    tasks=(SINGLE_LABEL,),
)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    of: Annotated[
        Literal["gradient", "native_guide", "comte"],
        Field(
            description="gradient: values are changed along the model's gradient. native_guide: a window is taken "
            "from the nearest real example of the other class. comte: whole channels are taken from such an example"
        ),
    ] = "gradient",
    steps: Annotated[int, Field(ge=1, le=100_000, description="for gradient: largest number of steps")] = 500,
    step: Annotated[
        float,
        Field(gt=0, le=10, description="for gradient: largest change of a value in one step, in standard deviations"),
    ] = 0.05,
    sparsity: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="for gradient: values whose gradient is below this share of the largest one do not change",
        ),
    ] = 0.3,
    smooth: Annotated[
        int, Field(ge=1, le=1_001, description="for gradient: width of its moving average in time or space")
    ] = 3,
    candidates: Annotated[
        int, Field(ge=1, le=100, description="for comte: number of nearest real examples from which channels are taken")
    ] = 3,
    points: Annotated[
        int,
        Field(
            ge=2,
            le=100_000,
            description="largest number of training examples of each class that are searched for neighbours",
        ),
    ] = 400,
    layer: FeatureLayer = "last_features",
    shown: Annotated[
        int, Field(ge=1, le=100, description="largest number of examples in the figure; the table holds all")
    ] = 6,
) -> dict[str, NDArray[Any] | str]:
    """Change every selected example until the model predicts its second most probable class.

    Returns:
        Of the N examples: `inputs` and `changed` (N, *input_shape), `indices`, `labels`, `predictions`, `wanted`,
        `found` (N,): whether the model predicts the wanted class of the changed one; `probabilities` and
        `probabilities_changed` (N, 2), of predicted and wanted class. Measures (N,), NaN where none was found:
        `distance`; `unchanged`, the share of measured values that stay as they are; `plausible`; `in_evidence`, the
        share of the change that lies in the planted evidence, and `evidence_share`, that of the measured values, NaN
        without such evidence. `seconds` for each example; `layer`; `csv`, these measures as a table.

    Raises:
        InputError: comte with a single channel; no training example for which the model predicts a wanted class; no
            such layer.
    """
    arrays = data.examples
    inputs = arrays["inputs"]
    fits_channels(inputs.shape[-1], of=of)
    logits = model.logits(inputs)
    order = np.argsort(-logits, axis=1, kind="stable")
    own, wanted = order[:, 0], order[:, 1]
    x_train, labels = data.training
    sampled = balanced(labels, points * len(np.unique(labels)), rng)
    answers = np.concatenate([model.logits(part).argmax(1) for part in parts(x_train, sampled, model.batch_size())])
    measured = arrays.get("measured", np.ones(inputs.shape, np.bool_))
    statistics = statistics_of(x_train, sampled, data.training_measured)
    near = _nearest(inputs, x_train, sampled, answers, wanted, statistics, candidates)
    started = time.perf_counter()
    if of == "gradient":
        changed = flips.along_gradient(
            model, inputs, wanted, statistics, measured, steps=steps, step=step, sparsity=sparsity, smooth=smooth
        )
    elif of == "native_guide":
        guides = np.where(measured, _guides(x_train, near[:, 0], data, wanted), inputs)
        changed = flips.nearest_window(model, inputs, guides, wanted)
    else:
        several = [np.where(measured, _guides(x_train, one, data, wanted), inputs) for one in near.T]
        changed = flips.fewest_channels(model, inputs, np.stack(several, 1), wanted)
    seconds = (time.perf_counter() - started) / len(inputs)
    found = flips.flipped(model, changed, wanted)
    name = feature_layer(model, layer)
    measures = _measures(inputs, changed, x_train, near[:, 0], statistics, (measured, arrays.get("truth")))
    measures["plausible"] = _plausible(model, changed, x_train, (sampled, answers, wanted), name)
    measures = {key: np.where(found, values, np.nan) for key, values in measures.items()}
    logger.info("%d of %s: another class found", found.sum(), counted(len(inputs), "example"))
    pair = order[:, :2]
    shown_arrays: dict[str, NDArray[Any]] = {
        **{key: arrays[key] for key in ("inputs", "labels", "indices", "measured") if key in arrays},
        "changed": changed,
        "predictions": own,
        "wanted": wanted,
        "found": found,
        "probabilities": np.take_along_axis(softmax(logits), pair, 1),
        "probabilities_changed": np.take_along_axis(softmax(model.logits(changed)), pair, 1),
        "seconds": np.full(len(inputs), seconds),
        "layer": np.array(name),
        **measures,
    }
    return shown_arrays | {"csv": _table(shown_arrays, list(data.data_info["classes"]), list(measures))}


def fits_channels(number: int, *, of: str, **others: Any) -> None:
    """Refuse comte of a single channel (InputError)."""
    if of == "comte" and number < 2:
        raise InputError("of", "comte replaces whole channels, but the examples have only one.", "Use native_guide.")


def _nearest(
    inputs: Array,
    x_train: Array,
    sampled: NDArray[np.int64],
    answers: NDArray[np.int64],
    wanted: NDArray[np.int64],
    statistics: Statistics,
    number: int,
) -> NDArray[np.int64]:
    """Return the nearest training examples (N, number) for which the model predicts the wanted class, -1 for none."""
    found = np.full((len(inputs), number), -1)
    for label in np.unique(wanted):
        members, rows = sampled[answers == label], np.flatnonzero(wanted == label)
        if not len(members):
            continue
        scaled = [(x / statistics.deviation).reshape(len(x), -1) for x in (inputs[rows], np.asarray(x_train[members]))]
        distances = medoids.distances(*(part.astype(np.float64) for part in scaled))
        order = np.argsort(distances, axis=1, kind="stable")[:, :number]
        # Fewer examples than asked for: the nearest one again.
        found[rows] = members[np.pad(order, ((0, 0), (0, number - order.shape[1])), mode="edge")]
    return found


def _guides(x_train: Array, near: NDArray[np.int64], data: ViewData, wanted: NDArray[np.int64]) -> Array:
    """Return the real examples (N, *input_shape) from which parts are taken.

    Raises:
        InputError: there is none for an example.
    """
    if (near < 0).any():
        label = data.data_info["classes"][int(wanted[(near < 0).argmax()])]
        problem = (
            f'the model predicts the class "{label}" for no training example, so there is none to take a part from.'
        )
        raise InputError("of", problem, "Use gradient, which needs none.")
    return np.asarray(x_train[near])


def _measures(
    inputs: Array,
    changed: Array,
    x_train: Array,
    near: NDArray[np.int64],
    statistics: Statistics,
    where: tuple[NDArray[np.bool_], NDArray[np.bool_] | None],
) -> dict[str, NDArray[np.float64]]:
    """Return `distance`, `unchanged`, `in_evidence` and `evidence_share` of each example, see `compute`.

    All are over measured values: the others cannot change. `where`: what was measured, and the evidence if it is known.
    """
    (measured, truth), whole = where, tuple(range(1, inputs.ndim))
    values = measured.sum(whole)
    change = np.abs(changed.astype(np.float64) - inputs) / statistics.deviation
    length = np.sqrt((change**2).sum(whole))
    away = (np.asarray(x_train[np.maximum(near, 0)], np.float64) - inputs) / statistics.deviation
    away_length = np.where(near >= 0, np.sqrt((away**2 * measured).sum(whole)), np.nan)
    nothing = np.full(len(inputs), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = nothing if truth is None else (change * truth).sum(whole) / change.sum(whole)
        share = nothing if truth is None else (truth & measured).sum(whole) / values
        distance = length / away_length
        unchanged = ((changed == inputs) & measured).sum(whole) / values
    return {
        "distance": distance,
        "unchanged": unchanged,
        "in_evidence": inside,
        "evidence_share": share,
    }


def _plausible(
    model: ExplainedModel,
    changed: Array,
    x_train: Array,
    of_class: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    layer: str,
) -> NDArray[np.float64]:
    """Return the share of a class's training examples whose nearest neighbour is no nearer than that of `changed`.

    Args:
        model: has the layer.
        changed: (N, *input_shape).
        x_train: the training examples, mapped.
        of_class: the sampled training examples, what the model predicts for them, and the wanted class of each example.
        layer: whose features are compared.
    """
    sampled, answers, wanted = of_class
    shares = np.full(len(changed), np.nan)
    own_features = features(model, changed, layer).astype(np.float64)
    for label in np.unique(wanted):
        members, rows = sampled[answers == label], np.flatnonzero(wanted == label)
        if len(members) < 2:
            continue
        real = features_of(model, x_train, members, layer).astype(np.float64)
        between = medoids.distances(real, real)
        np.fill_diagonal(between, np.inf)
        nearest = medoids.distances(own_features[rows], real).min(1)
        shares[rows] = (between.min(1)[np.newaxis] >= nearest[:, np.newaxis]).mean(1)
    return shares


def _table(arrays: dict[str, Any], classes: list[str], measures: list[str]) -> str:
    """Return a row for each example as CSV."""
    import pandas as pd

    columns = {
        "example": arrays["indices"],
        "class": [classes[label] for label in arrays["labels"]],
        "predicted": [classes[label] for label in arrays["predictions"]],
        "changed to": [classes[label] for label in arrays["wanted"]],
        "found": arrays["found"],
        "probability": arrays["probabilities"][:, 1],
        "probability changed": arrays["probabilities_changed"][:, 1],
        **{name: arrays[name] for name in measures},
        "seconds": arrays["seconds"],
    }
    return tables.as_text(pd.DataFrame(columns))
