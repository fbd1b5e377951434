"""Permutation importance: how much worse the model's answers become when a channel or a place is shuffled.

Fisher A, Rudin C, Dominici F. All models are wrong, but many are useful: learning a variable's importance by studying
an entire class of prediction models simultaneously. J Mach Learn Res 20(177) (2019), after Breiman L. Random forests.
Machine Learning 45:5-32 (2001). A channel (or a bin of time) of each example is replaced by that of another example,
drawn without repetition from all measured examples, whatever their class. What the model loses is the importance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds, tables
from pellucid.explain.shared import held_examples
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.shared.example_groups import members_of
from pellucid.summarise.by_class import by_class
from pellucid.summarise.grouped_means import mean_and_band
from pellucid.summarise.places import Places, default_parts

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

REPEATS = 5
CHANNEL, PLACE = "channel", "place"
COLUMNS = ("of", "number", "name", "over", "class", "mean", "low", "high", "accuracy lost", "examples")
# Examples are altered in blocks of about this many values.
_VALUES = 2**22


def run(
    *,
    model: Path | str,
    examples: Path | str,
    x: Path | str,
    data_info: Path | str,
    seed: int,
    threads: int,
    memory_mb: int,
    table: Path | str,
) -> None:
    """Write the permutation importance of every channel and place, over all measured examples and for each class.

    Args:
        model: `model.keras`.
        examples: what `selection.select` wrote.
        x, data_info: `x_test.npy` and `data.json`.
        seed: of the experiment.
        threads, memory_mb: for the model.
        table: CSV; gets a row for each channel or place and class: the mean increase of the loss with the 95% interval
            over examples (`grouped_means`), and the accuracy that is lost (empty for other tasks than classes).
    """
    chosen, info = files.read_arrays(examples), files.read_json(data_info)
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    held = held_examples.others(chosen)
    loss = loss_of(info.get("task", "single_label"), chosen)
    found = importances(
        lambda inputs: explained_model.logits(inputs, called="example with a shuffled part"),
        loss,
        files.map_array(x),
        chosen["indices"],
        Places.of(info["shape"][:-1], default_parts(info["shape"][:-1]), info),
        info["channels"],
        seeds.generator(seed, "permutation"),
        hold=lambda rows: explained_model.hold({name: array[rows] for name, array in held.items()}),
    )
    # One that is measured for several labels has not more to say of the channels than another one.
    groups = chosen["group"] if "group" in chosen else members_of(chosen["indices"], None)
    tables.write(table, rows_of(found, chosen["labels"], info["classes"], groups))
    logger.info("permutation importance of %d channels and places, %d examples", len(found), len(chosen["indices"]))


Loss = Callable[[NDArray[Any], NDArray[np.int64]], tuple[NDArray[np.float64], NDArray[np.float64] | None]]


def loss_of(task: str, chosen: dict[str, NDArray[Any]]) -> Loss:
    """Return the function that judges the model's outputs for some measured examples.

    It takes outputs (n, outputs) and the rows (n,) that they belong to, and returns the loss of each, (n,), and where
    an example has one class also whether it is right. The loss is the cross-entropy of the class, the binary
    cross-entropy of the label, or the squared error of the value, for which the example stands.
    """
    labels = chosen["labels"]

    def of_class(outputs: NDArray[Any], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        scores, true = outputs.astype(np.float64), labels[rows]
        top = scores.max(1, keepdims=True)
        log_sum = top[:, 0] + np.log(np.exp(scores - top).sum(1))
        return log_sum - scores[np.arange(len(rows)), true], (scores.argmax(1) == true).astype(np.float64)

    def of_label(outputs: NDArray[Any], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], None]:
        own = labels[rows]
        score = outputs[np.arange(len(rows)), own].astype(np.float64)
        return np.logaddexp(0, score) - chosen["answers"][rows, own] * score, None

    def of_value(outputs: NDArray[Any], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], None]:
        own = labels[rows]
        error = outputs[np.arange(len(rows)), own].astype(np.float64) - chosen["answers"][rows, own]
        return error**2, None

    losses: dict[str, Loss] = {"single_label": of_class, "multi_label": of_label, "regression": of_value}
    return losses[task]


def importances(
    predict: Callable[[NDArray[np.float32]], NDArray[Any]],
    loss: Loss,
    x: NDArray[np.float32],
    indices: NDArray[np.int64],
    places: Places,
    channels: list[str],
    rng: np.random.Generator,
    hold: Callable[[NDArray[np.int64]], None] = lambda rows: None,
) -> list[tuple[str, int, str, NDArray[np.float64], NDArray[np.float64] | None]]:
    """Return for every channel and place how much the loss of each example grows, the mean over 5 shuffles.

    A single channel is not shuffled: it is the whole example. `hold` is called with the examples that `predict` is
    asked for next.

    Returns:
        "channel" or "place", its number, its name, the increase of the loss (N,), and the accuracy lost by each
        example (N,) or None.
    """
    rows = np.arange(len(indices))
    orders = [rng.permutation(len(rows)) for _ in range(REPEATS)]
    before, right = _judged(predict, loss, x, indices, indices, None, hold)
    found = []
    for kind, number, name, where in _parts(x.shape[1:], places, channels):
        losses = [_judged(predict, loss, x, indices, indices[order], where, hold) for order in orders]
        increase = np.mean([value for value, _ in losses], axis=0) - before
        hits = [hit for _, hit in losses if hit is not None]
        lost = None if right is None else right - np.mean(hits, axis=0)
        found.append((kind, number, name, increase, lost))
    return found


def _parts(
    shape: tuple[int, ...], places: Places, channels: list[str]
) -> Iterator[tuple[str, int, str, NDArray[np.bool_]]]:
    """Yield every channel and every place, and where its values are: bool (*input_shape)."""
    if len(channels) > 1:
        for number, name in enumerate(channels):
            where = np.zeros(shape, np.bool_)
            where[..., number] = True
            yield CHANNEL, number, name, where
    for number, name in enumerate(places.names):
        yield PLACE, number, name, np.broadcast_to((places.of_position == number)[..., np.newaxis], shape)


def _judged(
    predict: Callable[[NDArray[np.float32]], NDArray[Any]],
    loss: Loss,
    x: NDArray[np.float32],
    indices: NDArray[np.int64],
    others: NDArray[np.int64],
    where: NDArray[np.bool_] | None,
    hold: Callable[[NDArray[np.int64]], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return loss and hits of all examples with the values `where` taken from `others`."""
    step = max(1, _VALUES // int(np.prod(x.shape[1:])))
    losses, hits = [], []
    for start in range(0, len(indices), step):
        rows = np.arange(start, min(start + step, len(indices)))
        values = np.asarray(x[indices[rows]])
        if where is not None:
            values = np.where(where, x[others[rows]], values)
        hold(rows)
        value, hit = loss(predict(values), rows)
        losses.append(value)
        if hit is not None:
            hits.append(hit)
    return np.concatenate(losses), np.concatenate(hits) if hits else None


def rows_of(
    found: list[tuple[str, int, str, NDArray[np.float64], NDArray[np.float64] | None]],
    labels: NDArray[np.int64],
    classes: list[str],
    groups: NDArray[np.generic] | None,
) -> pd.DataFrame:
    """Return the table of `run`."""
    import pandas as pd

    everyone = np.arange(len(labels))
    over = [(tables.ALL, tables.ALL, everyone), *((tables.CLASS, m.name, m.rows) for m in by_class(labels, classes))]
    lines = []
    for kind, number, name, increase, lost in found:
        for scope, of_class, rows in over:
            band = mean_and_band(increase.__getitem__, rows, None if groups is None else groups[rows])
            accuracy = np.nan if lost is None else float(lost[rows].mean())
            numbers = (float(band.mean), float(band.low), float(band.high), accuracy, len(rows))
            lines.append((kind, number, name, scope, of_class, *numbers))
    return pd.DataFrame(lines, columns=COLUMNS)
