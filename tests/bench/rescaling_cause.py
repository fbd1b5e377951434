"""Why temporal saliency rescaling finds steps and loses features: what changes of a map when one value is covered.

The rescaled map is the importance of a step times that of a value in its step. Both are the sum of the sizes of all
changes of the map. Here the second sum is parted: into the change at the covered value itself, and the changes of all
other values. Series, networks and scores are those of `published_rescaling`; beside the convolutional network, the
recurrent one of the same repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from tests.bench import published_rescaling as rescaling

if TYPE_CHECKING:
    import keras

# The box in which rescaling loses the features, and how many trainings there are of each network.
SHAPE, PROCESS, EXPLAINED, TRAININGS = "rare feature", "autoregressive", 3, 1
# As in the method: what a channel counts at a step that is not among the important ones, and which steps are.
_BELOW, _QUANTILE = 0.1, 0.55


class Changes(NamedTuple):
    """How a map changes when one value of it is covered.

    Attributes:
        own: (steps, features), the size of the change at the covered value.
        others: (steps, features), the sum of the sizes of all other changes.
    """

    own: NDArray[np.float64]
    others: NDArray[np.float64]


def recurrent() -> keras.Model:
    """Return the recurrent network: an LSTM of 5 units, of which the last state gives the classes."""
    import keras

    layers = keras.layers
    inputs = keras.Input((rescaling.SIDE, rescaling.SIDE))
    hidden = layers.Dropout(0.1)(layers.LSTM(5)(inputs))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(hidden))


def gradient_input(model: keras.Model, x: NDArray[np.float32], label: int) -> NDArray[np.float64]:
    """Return gradient × input of the logit of a class: (N, steps, features)."""
    import pellucid

    maps = pellucid.explain(model, x, "gradient_input", target=np.full(len(x), label)).attributions
    return maps.astype(np.float64)


def changes(model: keras.Model, x: NDArray[np.float32], label: int) -> tuple[NDArray[np.float64], Changes]:
    """Return the importance of each step (steps,) and the changes at each value, for a series (steps, features)."""
    each = np.arange(len(x))
    # The series, without each step, and without each value of each step: one call, as each call begins anew.
    without_step = np.repeat(x[np.newaxis], len(x), axis=0)
    without_step[each, each] = 0
    step, feature = (place.ravel() for place in np.indices(x.shape))
    without_value = np.repeat(x[np.newaxis], x.size, axis=0)
    without_value[np.arange(x.size), step, feature] = 0
    maps = gradient_input(model, np.concatenate([x[np.newaxis], without_step, without_value]), label)
    sizes = np.abs(maps[1:] - maps[0])
    of_steps, of_values = sizes[: len(x)].sum((1, 2)), sizes[len(x) :]
    own = of_values[np.arange(x.size), step, feature].reshape(x.shape)
    return of_steps, Changes(own, of_values.sum((1, 2)).reshape(x.shape) - own)


def rescaled(steps: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rescaled map of the importance of steps (steps,) and of their values (steps, features)."""
    from pellucid.explain.temporal_saliency_rescaling import _scaled

    importance = _scaled(steps[np.newaxis])[0]
    above = importance > np.quantile(importance, _QUANTILE)
    made: NDArray[np.float64] = importance[:, np.newaxis] * np.where(above[:, np.newaxis], _scaled(values), _BELOW)
    return made


def measured(kind: str, seed: int) -> tuple[dict[str, NDArray[np.float64]], float, float, float]:
    """Train a network and part the changes.

    Returns:
        Of each map the scores (`published_rescaling.scores`), the network's accuracy, the share of a change that is at
        the covered value, and how much larger all changes are on average where the evidence is.
    """
    recurrent_one = mock.patch.multiple(rescaling, network=recurrent, EPOCHS=300)
    with recurrent_one if kind == "LSTM" else mock.patch.object(rescaling, "EPOCHS", rescaling.EPOCHS):
        model, x, y, accuracy = rescaling.trained(PROCESS, SHAPE, seed)
    maps: dict[str, list[NDArray[np.float64]]] = {}
    shares, ratios, truth = [], [], rescaling.evidence(SHAPE)
    for series, label in zip(x[:EXPLAINED], y[:EXPLAINED], strict=True):
        steps, found = changes(model, series, int(label))
        whole = found.own + found.others
        for name, made in {
            "gradient × input": np.abs(gradient_input(model, series[np.newaxis], int(label))[0]),
            "rescaled": rescaled(steps, whole),
            "rescaled by the value's own change": rescaled(steps, found.own),
            "rescaled by the others' changes": rescaled(steps, found.others),
        }.items():
            maps.setdefault(name, []).append(made)
        shares.append(found.own.sum() / whole.sum())
        ratios.append(whole[truth].mean() / whole[~truth].mean())
    of_maps = {name: rescaling.scores(np.array(made, np.float32), SHAPE) for name, made in maps.items()}
    return of_maps, accuracy, float(np.mean(shares)), float(np.mean(ratios))


def main() -> None:
    """Print the scores of the maps of both networks."""
    from pellucid.network import runtime

    runtime.start(2)
    print(f"{SHAPE}, {PROCESS}: trainings of each network: {TRAININGS}, explained series: {EXPLAINED}")
    random = rescaling.chance(SHAPE)[:, 0]
    for kind in ("convolutional", "LSTM"):
        runs = [measured(kind, seed) for seed in range(TRAININGS)]
        accuracies, shares, ratios = (", ".join(f"{run[place]:.2f}" for run in runs) for place in (1, 2, 3))
        print(f"\n{kind} network; accuracy {accuracies}; share of a change that is at the covered value {shares};")
        print(f"changes where the evidence is, in units of those elsewhere: {ratios}")
        print(f"{'':36}{'values: AUP':>16}{'steps: AUP':>16}{'features: AUP':>16}")
        for name in runs[0][0]:
            cells = (", ".join(f"{run[0][name][place, 0]:.3f}" for run in runs) for place in range(3))
            print(f"{name:36}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
        print(f"{'random values':36}" + "".join(f"{value:>16.3f}" for value in random), flush=True)
