"""How often a 95% interval contains the true mean: the table of `docs/statistics.md`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pellucid.score.shared.bootstrap import NONE, interval

NUMBERS = (2, 3, 4, 5, 7, 10, 15, 20, 30, 60, 100, 150)
# By name: what draws so many values, their true mean, and whether they are a proportion.
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
DISTRIBUTIONS: dict[str, tuple[Draw, float, bool]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0, False),
    "log-normal (σ = 0.5)": (lambda rng, n: rng.lognormal(0, 0.5, n), float(np.exp(0.125)), False),
    "log-normal (σ = 1)": (lambda rng, n: rng.lognormal(0, 1, n), float(np.exp(0.5)), False),
    "proportion 0.5": (lambda rng, n: (rng.random(n) < 0.5).astype(float), 0.5, True),
    "proportion 0.95": (lambda rng, n: (rng.random(n) < 0.95).astype(float), 0.95, True),
}


def coverage(name: str, number: int, trials: int, seed: int = 0) -> float | None:
    """Return the share of intervals that contain the true mean; None where there is no interval."""
    draw, mean, proportion = DISTRIBUTIONS[name]
    inside = 0
    for trial in range(trials):
        rng = np.random.default_rng([seed, number, trial])
        found = interval(draw(rng, number), rng, proportion=proportion)
        if found.method == NONE:
            return None
        inside += found.low <= mean <= found.high
    return inside / trials


def main(trials: int = 2000) -> None:
    """Print the table, a row for each number of values."""
    print(f"| n | {' | '.join(DISTRIBUTIONS)} |")
    print(f"|--:|{'--:|' * len(DISTRIBUTIONS)}")
    for number in NUMBERS:
        shares = [coverage(name, number, trials) for name in DISTRIBUTIONS]
        print(f"| {number} | {' | '.join('–' if share is None else f'{share:.3f}' for share in shares)} |", flush=True)
