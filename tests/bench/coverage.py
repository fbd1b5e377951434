"""How often a 95% interval contains the true mean, or the true AUROC: tables of `docs/statistics.md`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluate import auroc_interval, resampling
from pellucid.evaluate.label_ranking import areas
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


# Examples with a rare label, and examples without it.
RARE = ((5, 95), (5, 995), (10, 190), (30, 570))
AREAS = (0.75, 0.86, 0.95)
# Standard deviation of the scores of examples with the label; those without it have 1. Scores are normal, so that their
# means lie Φ⁻¹(area) √(1 + deviation²) apart.
DEVIATIONS = (1.0, 0.5, 2.0)


def rare(
    positives: int,
    negatives: int,
    area: float,
    rng: np.random.Generator,
    *,
    deviation: float = 1.0,
    of_patient: int = 1,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]]:
    """Draw which examples have a label, their scores, and their patients.

    Args:
        positives, negatives: patients with and without the label.
        area: the true AUROC.
        rng: draws the scores.
        deviation: of the scores of patients with the label.
        of_patient: examples of each patient; half of the variance of their scores is the patient's.
    """
    from scipy.stats import norm

    has = np.arange(positives + negatives) < positives
    shift, spread = norm.ppf(area) * np.sqrt(1 + deviation**2), np.where(has, deviation, 1.0)
    patients = np.repeat(np.arange(len(has)), of_patient)
    scores = rng.standard_normal(len(patients))
    if of_patient > 1:
        scores = (scores + rng.standard_normal(len(has))[patients]) / np.sqrt(2)
    return has[patients], shift * has[patients] + spread[patients] * scores, patients


def auroc_coverage(kind: str, trials: int, positives: int, negatives: int, area: float, **drawn: float) -> float:
    """Return the share of intervals that hold the true AUROC.

    Args:
        kind: "score" (this package's), "examples" (the same, patients taken as independent examples) or "percentile".
        trials: number of draws.
        positives, negatives, area, drawn: of `rare`.
    """
    inside = 0
    for trial in range(trials):
        rng = np.random.default_rng([1, positives, negatives, trial])
        has, scores, patients = rare(positives, negatives, area, rng, **drawn)  # type: ignore[arg-type]
        if kind == "percentile":
            counts = next(resampling.resamples(len(has), 1))
            low, high = resampling.ends(areas(has, scores, counts).auroc)
        else:
            low, high = auroc_interval.interval(has, scores, patients if kind == "score" else None)
        inside += bool(low <= area <= high)
    return inside / trials


def _aurocs(trials: int) -> None:
    print("\n| with the label | without it | AUROC | same spread | half as wide | twice as wide | percentiles |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for positives, negatives in RARE:
        for area in AREAS:
            case = (trials, positives, negatives, area)
            shares = [auroc_coverage("score", *case, deviation=deviation) for deviation in DEVIATIONS]
            shares.append(auroc_coverage("percentile", min(trials, 300), *case[1:]))
            row = " | ".join(f"{share:.3f}" for share in shares)
            print(f"| {positives} | {negatives} | {area} | {row} |", flush=True)
    print("\n| patients with the label | without it | examples of each | over patients | over examples |")
    print("|--:|--:|--:|--:|--:|")
    for positives, negatives in (RARE[0], *RARE[2:]):
        case = (trials, positives, negatives, 0.86)
        shares = [auroc_coverage(kind, *case, of_patient=5) for kind in ("score", "examples")]
        print(f"| {positives} | {negatives} | 5 | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


# How the examples are shared among the groups, by name.
LAYOUTS: dict[str, Callable[[np.random.Generator, int], NDArray[np.int64]]] = {
    "10 of each group": lambda rng, groups: np.full(groups, 10),
    "2 to 13 of each": lambda rng, groups: rng.integers(2, 14, groups),
    "2 of each, 20 of one": lambda rng, groups: np.where(np.arange(groups) == 0, 20, 2),
}
GROUPS = (5, 10, 20, 40)


def grouped_coverage(kind: str, layout: str, groups: int, trials: int) -> tuple[float, float]:
    """Return the shares of intervals that hold the true mean: over groups, and over examples.

    Args:
        kind: "normal" (half of the variance is the group's) or "proportion" (0.8; of each group drawn from Beta(4, 1)).
        layout: of `LAYOUTS`.
        groups, trials: how many.
    """
    inside, proportion = np.zeros(2), kind == "proportion"
    for trial in range(trials):
        rng = np.random.default_rng([2, groups, trial])
        origin = np.repeat(np.arange(groups), LAYOUTS[layout](rng, groups))
        if proportion:
            values = (rng.random(len(origin)) < rng.beta(4, 1, groups)[origin]).astype(float)
        else:
            values = rng.normal(size=groups)[origin] + rng.normal(size=len(origin))
        mean = 0.8 if proportion else 0.0
        for place, of_values in enumerate((origin, None)):
            found = interval(values, rng, proportion=proportion, groups=of_values)
            inside[place] += found.low <= mean <= found.high
    return float(inside[0] / trials), float(inside[1] / trials)


def _groups(trials: int) -> None:
    kinds = ("normal", "proportion")
    print(f"\n| groups | examples | {' | '.join(f'{kind}: over groups | over examples' for kind in kinds)} |")
    print("|--:|---|--:|--:|--:|--:|")
    for layout in LAYOUTS:
        for groups in GROUPS:
            shares = [share for kind in kinds for share in grouped_coverage(kind, layout, groups, trials)]
            print(f"| {groups} | {layout} | {' | '.join(f'{share:.3f}' for share in shares)} |", flush=True)


def main(trials: int = 2000) -> None:
    """Print the tables: of means a row for each number of values, then of groups; of AUROC one for each of examples."""
    print(f"| n | {' | '.join(DISTRIBUTIONS)} |")
    print(f"|--:|{'--:|' * len(DISTRIBUTIONS)}")
    for number in NUMBERS:
        shares = [coverage(name, number, trials) for name in DISTRIBUTIONS]
        print(f"| {number} | {' | '.join('–' if share is None else f'{share:.3f}' for share in shares)} |", flush=True)
    _groups(min(trials, 400))
    _aurocs(trials)
