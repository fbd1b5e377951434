"""Published scores on the states of a hidden Markov model, beside those of the same methods here: a trained network.

State: Crabbé J, van der Schaar M. Explaining Time Series Predictions with Dynamic Masks. ICML (2021), section 5.2, after
Tonekaboni S et al. What went wrong and when? NeurIPS (2020). The published numbers, the process and the network are those
of the repository josephenguehard/time_interpret (experiments/hmm, tint/datasets/hmm.py).

A series of three features switches between two states; at each step, feature 2 (in state 0) or feature 3 (in state 1)
decides the label, and this feature is the evidence there. A network with one output for each step is trained. As
published (`TimeForwardTunnel`), every step's output is explained on the series up to it, and what the step's own three
values get is kept: so a map is put together from the explanations of its steps.

The published training makes 1,000 updates by 0.0001 each, on one random step of a batch, from weights between -0.07 and
0.07: the network is far from trained to the end. It is done as published here, with the first weights of the library
that the repository uses.

The published maps have 20 steps, and there are ten: see `OF_TEST`. Each is divided by its largest value, so that AUP and
AUR depend on how long a map is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bench import published
from tests.bench.state_run import OTHER_RUN, OTHER_SUMS

if TYPE_CHECKING:
    import keras

SCORES = ("AUP", "AUR", "AUROC", "AUPRC")
# Sums over the evidence, in bits.
SUMS = ("information", "entropy")
# Means of five folds.
PUBLISHED = {
    "LIME": (0.932, 0.438, 0.937, 0.912),
    "integrated gradients": (0.918, 0.454, 0.936, 0.909),
    "occlusion": (0.866, 0.393, 0.870, 0.817),
    "augmented occlusion": (0.755, 0.388, 0.915, 0.830),
    "gradient SHAP": (0.849, 0.414, 0.852, 0.798),
}
# Of the same table, without a counterpart for a GRU here.
NOT_HERE = ("DeepLIFT", "FIT", "RETAIN", "Dynamask", "ExtremalMask")
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "LIME": ("lime", {"baseline": "zero", "samples": 500}),
    "integrated gradients": ("integrated_gradients", {"baseline": "zero", "steps": 25}),
    # Zero is the mean of the training series here, see `attributions`.
    "occlusion": ("occlusion", {"baseline": "zero", "window": 1}),
    # The values of one training series in the same place, `DRAWS` times.
    "augmented occlusion": ("augmented_occlusion", {"background": 1, "window": 1}),
    "gradient SHAP": ("gradient_shap", {"background": 50, "samples": 50}),
}
FOLDS, UNITS = 5, 200
# As published: four fifths of 800 series of 200 steps. The other fifth is held back there, and decides nothing.
TRAINING, TRAINED_STEPS = 640, 200
EPOCHS, BATCH, RATE, DECAY = 50, 32, 1e-4, 1e-3
# Draws of augmented occlusion.
DRAWS = 10
# A published number is of ten series of 20 steps. The experiment says 200 of 200, but takes the file of test series that
# it finds in its folder, and the repository's own test (tests/datasets/test_hmm.py) leaves one of ten series of 20 steps
# there. The published sums over the evidence (`OTHER_SUMS`) are those of 200 values, too.
OF_TEST, LENGTH = 10, 20
# Such sets of test series in each fold here. They differ, and all five published folds have the same one.
SETS = 8
# Of both states: the means, and which feature decides.
_MEANS = np.array([[0.1, 1.6, 0.5], [-0.1, -0.4, -1.5]])
_DECIDES = np.array([1, 2])


class Drawn(NamedTuple):
    """Series of the process.

    Attributes:
        x: (count, length, 3).
        y: (count, length), the label of each step.
        truth: (count, length, 3), True at the feature that decides.
        chance: (count, length), the probability of label 1.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    truth: NDArray[np.bool_]
    chance: NDArray[np.float64]


def draw(count: int, length: int, rng: np.random.Generator) -> Drawn:
    """Draw series: the state stays with probability 0.95, in state 1 less the longer it lasts (but never below 0.8)."""
    roots = []
    for decides in _DECIDES:
        covariance = np.eye(3) * 0.8
        covariance[0, decides] = covariance[decides, 0] = 0.01
        roots.append(np.linalg.cholesky(covariance + 1e-3 * np.eye(3)))
    state, since = (rng.random(count) < 0.5).astype(np.int64), np.zeros(count)
    states = np.empty((count, length), np.int64)
    for step in range(length):
        stays = 0.95 - since / 500
        to_one = np.where(state == 1, stays, 0.05)
        following = (rng.random(count) < to_one).astype(np.int64)
        since = np.where(following == state, since + 1, 0)
        state = following
        states[:, step] = state
    noise = rng.standard_normal((count, length, 3))
    x = _MEANS[states] + np.einsum("ntij,ntj->nti", np.array(roots)[states], noise)
    truth = np.arange(3) == _DECIDES[states][..., np.newaxis]
    chance = 1 / (1 + np.exp(-2 * x[truth].reshape(count, length)))
    y = (rng.random((count, length)) < chance).astype(np.int64)
    return Drawn(x.astype(np.float32), y, truth, chance)


def network(length: int | None, every: bool = True) -> keras.Model:
    """Return the published network: a GRU of 200 units, batch normalisation, ReLU, dropout, two logits.

    Args:
        length: of the series; None for any.
        every: whether there are logits of every step, or of the last one only. Both have the same weights.
    """
    import keras

    layers = keras.layers
    decay = keras.regularizers.L2(DECAY / 2)
    shrink = {"kernel_regularizer": decay, "bias_regularizer": decay}

    def begin(*weights: str) -> dict[str, keras.Initializer]:
        # One for each: the same one would give all of them the same numbers.
        limit = 1 / np.sqrt(UNITS)
        return {f"{name}_initializer": keras.initializers.RandomUniform(-limit, limit) for name in weights}

    inputs = keras.Input((length, 3))
    gates = begin("kernel", "recurrent", "bias")
    gru = layers.GRU(UNITS, return_sequences=every, recurrent_regularizer=decay, name="gru", **gates, **shrink)
    norm = layers.BatchNormalization(
        name="norm", epsilon=1e-5, momentum=0.9, beta_regularizer=decay, gamma_regularizer=decay
    )
    states = layers.Dropout(0.5)(layers.ReLU()(norm(gru(inputs))))
    return keras.Model(inputs, layers.Dense(2, name="logits", **begin("kernel", "bias"), **shrink)(states))


def trained(drawn: Drawn, seed: int, epochs: int = EPOCHS) -> keras.Model:
    """Train as published: each batch learns one step, which is drawn for it, from the series up to this step."""
    import keras

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng([3, seed])
    ending = network(None, every=False)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ending.compile(keras.optimizers.Adam(RATE, epsilon=1e-8), loss)
    count, length = drawn.y.shape
    for _ in range(epochs):
        order = rng.permutation(count)
        for start in range(0, count, BATCH):
            rows, step = order[start : start + BATCH], int(rng.integers(length))
            ending.train_on_batch(drawn.x[rows, : step + 1], drawn.y[rows, step])
    model = network(LENGTH)
    model.set_weights(ending.get_weights())
    return model


def up_to(model: keras.Model, step: int, shift: NDArray[np.float32] | None = None) -> keras.Model:
    """Return the same network for series that end at a step; with `shift` (step + 1, 3) it takes the series minus it."""
    import keras

    shorter = network(step + 1)
    shorter.set_weights(model.get_weights())
    if shift is None:
        return shorter
    inputs = keras.Input((step + 1, 3))
    return keras.Model(inputs, shorter(keras.layers.Rescaling(np.ones(3), shift)(inputs)))


def attributions(
    method: str, model: keras.Model, x: NDArray[np.float32], training: NDArray[np.float32], seed: int
) -> NDArray[np.float32]:
    """Return what a method of this package gives to the values of each step: sizes (N, length, 3).

    Args:
        method: a key of `PUBLISHED`.
        model: with an output for each step.
        x: (N, length, 3).
        training: (M, length, 3), of whose mean occlusion takes the values that cover, and augmented occlusion series.
        seed: of the method.
    """
    import pellucid

    maps = np.empty(x.shape, np.float32)
    for step in range(x.shape[1]):
        name, parameters = METHODS[method]
        seen, shift = x[:, : step + 1], None
        if method == "LIME":
            parameters = {**parameters, "segments": step + 1 if step else "auto"}  # each value is a segment
        if method == "occlusion":
            shift = training[:, : step + 1].mean(0)
            seen = seen - shift
        if method == "augmented occlusion":
            maps[:, step] = drawn_drops(up_to(model, step), seen, training[:, : step + 1], seed, parameters)
            continue
        if method == "gradient SHAP":
            parameters = {**parameters, "training": np.concatenate([np.zeros_like(seen), seen])}
        explained = pellucid.explain(up_to(model, step, shift), seen, name, at_steps="last", seed=seed, **parameters)
        maps[:, step] = np.abs(explained.attributions[:, -1])
    return maps


def drawn_drops(
    model: keras.Model,
    seen: NDArray[np.float32],
    training: NDArray[np.float32],
    seed: int,
    parameters: dict[str, Any],
) -> NDArray[np.float32]:
    """Return the mean size of the drops of augmented occlusion, of the last step's values: (N, 3).

    As published, the sizes of the drops are averaged. The mean drop over several draws, which the method gives in one
    call, is nearly that of the mean of the training series, as if it were occlusion: values above the mean add to it,
    and values below take away.
    """
    from pellucid.explain import augmented_occlusion
    from pellucid.models.imported import per_step, task_head
    from pellucid.network.explained_model import ExplainedModel

    last = per_step.picked(model, "last", "single_label", "state")
    explained = ExplainedModel(task_head.with_head(last, 2, "single_label", "state"))
    targets = explained.scores(seen).argmax(1)
    rng = np.random.default_rng([7, seed])
    drops = (
        augmented_occlusion.explain(explained, seen, targets, rng, training=training, **parameters)
        for _ in range(DRAWS)
    )
    return np.mean([np.abs(drop[:, -1]) for drop in drops], axis=0)


def scores(maps: NDArray[np.float32], truth: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return `SCORES` and `SUMS` of the maps of one set of test series: each map is scaled to 0–1, then all are joined."""
    from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

    precision, recall, *sums = published.scores(maps, truth)
    size, inside = published.scaled(maps).ravel(), truth.ravel()
    curve = precision_recall_curve(inside, size)
    return precision, recall, float(roc_auc_score(inside, size)), float(auc(curve[1], curve[0])), *sums


def measured(fold: int) -> NDArray[np.float64]:
    """Train a network and score all methods on it, (methods + 1, sets of test series, scores and sums).

    The last row has two AUROCs of the label in its first set: by the network, and by the probability of the process.
    """
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng([2, fold])
    training, test = draw(TRAINING, TRAINED_STEPS, rng), draw(SETS * OF_TEST, LENGTH, rng)
    model = trained(training, fold)
    logits = model.predict(test.x, BATCH, verbose=0)
    sets = [slice(start, start + OF_TEST) for start in range(0, len(test.x), OF_TEST)]
    found = np.full((len(METHODS) + 1, SETS, len(SCORES) + len(SUMS)), np.nan)
    for place, method in enumerate(METHODS):
        maps = attributions(method, model, test.x, training.x, fold)
        found[place] = [scores(maps[rows], test.truth[rows]) for rows in sets]
    found[-1, 0, :2] = [roc_auc_score(test.y.ravel(), odds.ravel()) for odds in (np.diff(logits, axis=2), test.chance)]
    return found


def of_set(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance between sets of test series under one network, (methods, scores).

    Args:
        found: (folds, methods, sets, scores).
    """
    return np.asarray(found.var(2, ddof=1).mean(0))


def remarks(folds: NDArray[np.float64]) -> list[str]:
    """Return sentences on the networks, the sums and the order of the methods; `folds` holds what each `measured`."""
    networks = ", ".join(f"{here:.3f} of {best:.3f}" for here, best in folds[:, -1, 0, :2])
    said = [f"AUROC of the label by the network, of what the process allows: {networks}"]
    found = dict(zip(METHODS, folds[:, :-1].mean(2).transpose(1, 0, 2), strict=True))
    for place, score in ((0, SCORES[0]), (2, SCORES[2])):
        order = sorted(found, key=lambda method: -found[method][:, place].mean())
        steps = []
        for better, worse in pairwise(order):
            gaps = found[better][:, place] - found[worse][:, place]
            steps.append(f"{better} ({gaps.mean():.3f} ± {gaps.std(ddof=1) / np.sqrt(len(gaps)):.3f} above) ")
        said.append(f"Order by {score}: {''.join(steps)}{order[-1]}")
        other = sorted(PUBLISHED, key=lambda method: -PUBLISHED[method][place])
        said.append(f"  published: {', '.join(f'{method} {PUBLISHED[method][place]:.3f}' for method in other)}")
    said.append("AUR and AUROC in another run of the repository, mean and standard deviation of 5 folds:")
    others = (
        f"{method} {run[:, 1].mean():.3f} ± {run[:, 1].std(ddof=1):.3f}, {run[:, 2].mean():.3f} ± {run[:, 2].std(ddof=1):.3f}"
        for method, run in OTHER_RUN.items()
    )
    said.append(f"  {'; '.join(others)}")
    said.append(f"Information and entropy in bits, that run | here, of {OF_TEST * LENGTH} values of evidence:")
    sums = (
        f"{method} {there[0]:.0f} | {here[0]:.0f}, {there[1]:.0f} | {here[1]:.0f}"
        for method, there in OTHER_SUMS.items()
        for here in [found[method][:, len(SCORES) :].mean(0)]
    )
    return [*said, f"  {'; '.join(sums)}"]
