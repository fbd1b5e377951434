"""How often intervals and claims of a ranking over trainings hold: the table of `docs/statistics.md`."""

import numpy as np
from numpy.typing import NDArray

from pellucid.compare.crossed_means import crossed_means
from pellucid.compare.told_apart import compare

# Trainings, examples, methods, how unlike the methods' sizes of luck are (standard deviation of their logarithms), and
# the standard deviations of the luck of trainings, of examples and of both together.
STUDIES = (
    (3, 15, 10, 0.4, (0.8, 1.5, 3.0)),
    (5, 15, 10, 0.4, (0.8, 1.5, 3.0)),
    (10, 15, 10, 0.4, (0.8, 1.5, 3.0)),
    (5, 15, 20, 0.8, (0.8, 1.5, 3.0)),
    (3, 100, 10, 0.4, (2.0, 0.5, 1.0)),
    (5, 100, 10, 0.4, (2.0, 0.5, 1.0)),
    (10, 100, 10, 0.4, (2.0, 0.5, 1.0)),
    (3, 30, 20, 0.5, (1.0, 1.0, 2.0)),
    (5, 30, 10, 0.4, (0.0, 2.0, 2.0)),
)
_RESAMPLES = 400


def main(trials: int = 300, seed: int = 1) -> None:
    """Print the table, a row for each kind of study."""
    print(
        "| trainings | examples | methods | luck | interval | resampling | false claims |\n|--:|--:|--:|---|--:|--:|--:|"
    )
    rng = np.random.default_rng(seed)
    for trainings, examples, methods, unlike, luck in STUDIES:
        truth, shares = np.arange(methods, dtype=np.float64), np.zeros(3)
        for _ in range(trials):
            values = truth + _luck(rng, trainings, examples, methods, unlike, luck)
            means = crossed_means(values)
            low, high = _resampled(rng, values)
            nothing = _luck(rng, trainings, examples, methods, unlike, luck)
            shares += [
                (np.abs(means.mean - truth) <= means.half_width(0.95)).mean(),
                ((low <= truth) & (truth <= high)).mean(),
                compare(nothing).apart.any(),
            ]
        told = " | ".join(f"{share:.3f}" for share in shares / trials)
        print(f"| {trainings} | {examples} | {methods} | {', '.join(map(str, luck))} | {told} |", flush=True)


def _luck(
    rng: np.random.Generator, trainings: int, examples: int, methods: int, unlike: float, luck: tuple[float, ...]
) -> NDArray[np.float64]:
    sizes = np.exp(rng.normal(0, unlike, methods))
    shapes = ((trainings, 1, methods), (1, examples, methods), (trainings, examples, methods))
    return np.asarray(
        sizes * sum(size * rng.normal(size=shape) for size, shape in zip(luck, shapes, strict=True)), np.float64
    )


def _resampled(rng: np.random.Generator, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ends of the 95% percentile interval of a bootstrap over trainings and examples."""
    trainings, examples = values.shape[:2]
    means = [
        values[rng.integers(0, trainings, trainings)][:, rng.integers(0, examples, examples)].mean((0, 1))
        for _ in range(_RESAMPLES)
    ]
    return np.asarray(np.quantile(means, [0.025, 0.975], axis=0), np.float64)
