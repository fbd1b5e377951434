"""Temporal saliency rescaling against the maps that it rescales, on series whose evidence is a box of steps and features.

Ismail AA, Gunady M, Corrada Bravo H, Feizi S. Benchmarking Deep Learning Interpretability in Time Series Predictions.
NeurIPS (2020), arXiv:2010.13924. The shapes, the processes, the network and the scores are those of the repository
ayaabdelsalam91/TS-Interpretability-Benchmark (Scripts/run_benchmark.py). It holds no table of results, so that the
paper's claim is measured and not its numbers: the maps mix up steps and features, and rescaling improves them.

A series of 50 steps and 50 features is noise of one of three processes. In the box, 1 is added for one class and taken
away for the other. Every value is then scaled to 0-1 over the training series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

SIDE = 50
# First step, steps, first feature, features of the box, as published.
SHAPES = {"middle": (10, 30, 10, 30), "rare feature": (5, 40, 22, 6)}
PROCESSES = ("gaussian", "autoregressive", "continuous autoregressive")
TRAINING, HELD, TRAININGS = 1_000, 200, 3
EPOCHS, ENOUGH, RIGHT = 100, 0.99, 0.9
# Of the process: the weight of the last value, and the noise that is added to every value of both autoregressions.
_WEIGHT, _NOISE = 0.9, 0.3
# Of each method how many test series are explained. Each has its own defaults, with which temporal saliency rescaling
# takes it, too: it needs some 1,100 maps of a series, of which integrated gradients take 50 gradients each.
METHODS = {"saliency": 20, "gradient_input": 20, "integrated_gradients": 2}
# Shares of the sum of a map that its strongest values hold.
SHARES = np.arange(1, 10) / 10


class Scores(NamedTuple):
    """The areas under precision (AUP), under recall (AUR), both up to 0.8, and under precision over recall (AUPR)."""

    aup: float
    aur: float
    aupr: float


def noise(process: str, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw series of a process: (count, 50 steps, 50 features), features independent."""
    draws = rng.standard_normal((count, SIDE, SIDE))
    if process == "gaussian":
        return draws
    values = np.empty_like(draws)
    if process == "autoregressive":
        last = np.zeros((count, SIDE))
        for step in range(SIDE):
            last = values[:, step] = _WEIGHT * last + 0.5 * draws[:, step]
    else:
        # Half of 100 points in 20 units of time, moved by as much as they are apart.
        grid = np.linspace(0, 20, 2 * SIDE)
        kept = rng.permuted(np.tile(np.arange(2 * SIDE), (count, 1)), axis=1)[:, :SIDE]
        times = np.sort(np.sort(grid[kept]) + rng.normal(0, 20 / (2 * SIDE), kept.shape))
        stays = _WEIGHT ** np.diff(times, axis=1)[..., np.newaxis]
        values[:, 0] = 0.01
        for step in range(1, SIDE):
            stay = stays[:, step - 1]
            values[:, step] = stay * values[:, step - 1] + 0.01 * np.sqrt(1 - stay) * draws[:, step]
    return values + rng.normal(0, _NOISE, values.shape)


def evidence(shape: str) -> NDArray[np.bool_]:
    """Return where the box of a shape is: (50, 50)."""
    step, steps, feature, features = SHAPES[shape]
    truth = np.zeros((SIDE, SIDE), np.bool_)
    truth[step : step + steps, feature : feature + features] = True
    return truth


def series(
    process: str, shape: str, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw series (count, 50, 50) and their classes."""
    y = rng.integers(0, 2, count)
    return noise(process, count, rng) + (2 * y - 1)[:, np.newaxis, np.newaxis] * evidence(shape), y


def network() -> keras.Model:
    """Return the published temporal convolutional network, without its weight normalisation: (N, 50, 50) to (N, 2).

    Three blocks of two causal convolutions of 4 steps with 5, 5 and 50 filters, the largest value over the steps, and
    the classes.
    """
    import keras

    layers = keras.layers
    inputs = hidden = keras.Input((SIDE, SIDE))
    for level, filters in enumerate((5, 5, 50)):
        skipped = hidden if hidden.shape[-1] == filters else layers.Conv1D(filters, 1)(hidden)
        for _ in range(2):
            made = layers.Conv1D(filters, 4, padding="causal", dilation_rate=2**level, activation="relu")(hidden)
            hidden = layers.Dropout(0.1)(made)
        hidden = layers.ReLU()(layers.Add()([hidden, skipped]))
    classes = layers.Dense(2, activation="softmax")(layers.GlobalMaxPooling1D()(hidden))
    return keras.Model(inputs, classes)


def trained(process: str, shape: str, seed: int) -> tuple[keras.Model, NDArray[np.float32], NDArray[np.int64], float]:
    """Train until 99 % of the validation series are right.

    Returns:
        The network, test series and their classes, and its accuracy on 200 series that it was not chosen by.
    """
    import keras

    rng = np.random.default_rng([6, PROCESSES.index(process), list(SHAPES).index(shape), seed])
    (x, y), (x_held, y_held), (x_test, y_test) = (
        series(process, shape, count, rng) for count in (TRAINING, HELD, HELD)
    )
    low, high = x.min(0), x.max(0)
    x, x_held, x_test = (((values - low) / (high - low)).astype(np.float32) for values in (x, x_held, x_test))
    keras.utils.set_random_seed(seed)
    model = network()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])

    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.model.stop_training = (logs or {})["val_accuracy"] >= ENOUGH

    model.fit(x, y, 50, EPOCHS, 0, [Enough()], validation_data=(x_held, y_held))
    accuracy = float((model.predict(x_test, verbose=0).argmax(1) == y_test).mean())
    return model, x_test, y_test, accuracy


def strongest(maps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values hold each of `SHARES` of the sum of a map, as few as do: sizes (N, …) to (N, 9, …)."""
    flat = maps.reshape(len(maps), -1)
    order = np.argsort(-flat, axis=1, kind="stable")
    held = np.take_along_axis(flat, order, 1).cumsum(1)
    rank = np.argsort(order, axis=1)
    needed = (held[:, np.newaxis] < SHARES[:, np.newaxis] * held[:, -1:, np.newaxis] * (1 - 1e-12)).sum(2)
    return (rank[:, np.newaxis] <= needed[..., np.newaxis]).reshape(len(maps), len(SHARES), *maps.shape[1:])


def areas(size: NDArray[np.float64], chosen: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Scores:
    """Return the areas under the published precision and recall, in which a value counts as much as its size.

    Args:
        size: (N, values).
        chosen: (N, 9, values), the strongest of them.
        truth: (values,).
    """
    hit = (size[:, np.newaxis] * (chosen & truth)).sum(2)
    # An example whose map is zero everywhere has neither, and is left out, as published.
    with np.errstate(invalid="ignore"):
        precision = np.nanmean(hit / (size[:, np.newaxis] * chosen).sum(2), axis=0)
        recall = np.nanmean(hit / (size * truth).sum(1, keepdims=True), axis=0)
    order = np.argsort(recall)
    return Scores(
        float(np.trapezoid(precision, SHARES)),
        float(np.trapezoid(recall, SHARES)),
        float(np.trapezoid(precision[order], recall[order])),
    )


def scores(maps: NDArray[np.float32], shape: str) -> NDArray[np.float64]:
    """Return the three `Scores` of the values, of the steps and of the features: (3, 3).

    A step is chosen when one of its values is, and its size is the mean of its largest values, as many as the features
    of the box. Likewise for a feature.
    """
    truth, size = evidence(shape), np.abs(maps.astype(np.float64))
    size = size - size.min((1, 2), keepdims=True)
    chosen = strongest(size)
    flat = size.reshape(len(size), -1)
    found = [areas(flat, chosen.reshape(len(size), len(SHARES), -1), truth.ravel())]
    for axis in (1, 0):
        inside = truth.any(axis)
        many = int(truth.sum(axis).max())
        means = np.sort(size, axis=axis + 1).take(range(-many, 0), axis=axis + 1).mean(axis + 1)
        found.append(areas(means, chosen.any(axis + 2), inside))
    return np.array(found)


def measured(process: str, shape: str) -> tuple[dict[str, NDArray[np.float64]], list[float]]:
    """Train, explain and score.

    Returns:
        Of each method the scores of its map and of the rescaled one, (trainings, 2, 3, 3), and the accuracies. A
        network with less than 90 % is left out, as published.
    """
    import pellucid

    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in METHODS}
    accuracies = []
    for seed in range(TRAININGS):
        model, x, y, accuracy = trained(process, shape, seed)
        accuracies.append(accuracy)
        if accuracy < RIGHT:
            continue
        for name, rows in found.items():
            x_of, y_of = x[: METHODS[name]], y[: METHODS[name]]
            both = (
                pellucid.explain(model, x_of, name, target=y_of, seed=seed),
                pellucid.explain(model, x_of, "temporal_saliency_rescaling", of=name, target=y_of, seed=seed),
            )
            rows.append(np.array([scores(explained.attributions, shape) for explained in both]))
    return {name: np.array(rows) for name, rows in found.items() if rows}, accuracies


def chance(shape: str) -> NDArray[np.float64]:
    """Return the scores of 100 maps of independent uniform values: (3, 3)."""
    return scores(np.random.default_rng(8).random((100, SIDE, SIDE), np.float32), shape)


def table(process: str, shape: str) -> None:
    """Print a row for each method: the scores of its maps, and what rescaling adds to them."""
    found, accuracies = measured(process, shape)
    columns = {"values: AUP": (0, 0), "AUR": (0, 1), "AUPR": (0, 2), "steps: AUP": (1, 0), "features: AUP": (2, 0)}
    print(f"\n{shape}, {process}; accuracy {', '.join(f'{accuracy:.2f}' for accuracy in accuracies)}")
    print(f"{'':<21}" + "".join(f"{column:>23}" for column in columns))
    for name, values in found.items():
        cells = []
        for place in columns.values():
            plain, rescaled = values[:, 0, *place], values[:, 1, *place]
            more = rescaled - plain
            error = more.std(ddof=1) / np.sqrt(len(more)) if len(more) > 1 else np.nan
            cells.append(f"{plain.mean():.3f} {more.mean():+.3f} ± {error:.3f}")
        print(f"{name:<21}" + "".join(f"{cell:>23}" for cell in cells), flush=True)
    random = chance(shape)
    print(f"{'random values':<21}" + "".join(f"{random[place]:>8.3f}{'':15}" for place in columns.values()), flush=True)


def main() -> None:
    """Print the tables of all shapes and processes."""
    from pellucid.network import runtime

    runtime.start(2)
    print(
        f"Mean of {TRAININGS} trainings, and what temporal saliency rescaling adds to it ± standard error of the gain;\n"
        "AUP and AUR are 0.8 at most"
    )
    for shape in SHAPES:
        for process in PROCESSES:
            table(process, shape)
    print()
