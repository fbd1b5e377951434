"""Whether the strongest attributions lie at the frequencies of the evidence: relevance rank, relevance mass, AUROC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.ranks import area_under_roc, levels
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.localisation import mass, share_of_strongest

FREQUENCY, SHORT_TIME = "frequency", "stft"
# Bins of a short frame into which a pure tone leaks on either side: half of the main lobe of Hann's window.
_LOBE = 2

SPEC = ScoreSpec(
    title="Localisation of the evidence in frequency",
    family="truth",
    about="For explanations over frequency. The evidence is known at the bins of the Fourier transform. Relevance "
    "rank: K is the number of bins that carry evidence; of the K strongest bins, the share that carry evidence. "
    "Relevance mass: the share of all strength that lies in these bins. AUROC: the probability that a bin with "
    "evidence is stronger than a bin without. Strength is the absolute attribution, summed over channels. Ties count "
    "as if drawn at random. The evidence itself scores 1. Chance is the share of bins that carry evidence; for AUROC "
    "it is 0.5. An example without evidence has no value. Maps over short frames are summed over time; evidence leaks "
    "into the bins beside it, so those bins are not judged. An explanation over time names no frequency and is left "
    "out.",
    paper="Brüsch T et al. FreqRISE: Explaining time series using frequency masking. arXiv:2406.13584 (2024), section "
    "4; after Arras L, Osman A, Samek W. CLEVR-XAI. Information Fusion 81 (2022), equations 1 and 2",
    metrics={
        "relevance_rank": Metric("Rank accuracy in frequency", "higher", 0, 1),
        "relevance_mass": Metric("Relevance mass in frequency", "higher", 0, 1),
        "auroc": Metric("AUROC in frequency", "higher", 0, 1),
    },
    requires=("truth_frequency",),
    domains=(FREQUENCY, SHORT_TIME),
)


def score(explanation: Explanation, case: ScoreContext, rng: np.random.Generator) -> ScoreResult:
    """Return all three metrics of each example; NaN for an example without evidence.

    Raises:
        InputError: the map is of another domain, or has another number of bins than the truth.
    """
    assert case.truth_frequency is not None
    truth, length = case.truth_frequency, case.inputs.shape[1]
    if explanation.domain not in SPEC.domains:
        found = f'a map over "{explanation.domain}"'
        raise InputError.unexpected(explanation.label, found, "frequency or stft: the evidence is known at bins")
    maps = np.abs(explanation.attributions.astype(np.float64))
    judged = np.ones_like(truth)
    axes = maps.ndim
    if explanation.domain == SHORT_TIME and axes == 4:
        truth, judged = in_short_frames(truth, length, maps.shape[1])
        maps = maps.sum(2)
    if axes != (4 if explanation.domain == SHORT_TIME else 3) or maps.shape[:2] != truth.shape:
        raise InputError.unexpected(
            explanation.label,
            f"maps of the shape {explanation.attributions.shape}",
            f"({truth.shape[0]}, {truth.shape[1]} bins, channels), as the evidence in frequency has",
        )
    values = [_of_example(*row) for row in zip(maps.sum(-1), truth, judged, strict=True)]
    return ScoreResult({name: np.array([one[name] for one in values]) for name in SPEC.metrics})


def in_short_frames(truth: NDArray[np.bool_], length: int, bins: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which bins of short frames carry evidence, and which are judged: (N, bins) each.

    A bin carries the evidence that lies within half a bin of it. Others to which evidence leaks are not judged.

    Args:
        truth: (N, length // 2 + 1), at the bins of whole signals.
        length: samples of a signal.
        bins: of a frame of 2 (bins - 1) samples.
    """
    frame = 2 * (bins - 1)
    apart = np.abs(np.arange(bins)[:, np.newaxis] - np.arange(truth.shape[1]) * frame / length)
    carries, reached = (np.asarray((truth[:, np.newaxis] & (apart <= most)).any(-1), np.bool_) for most in (0.5, _LOBE))
    return carries, np.asarray(carries | ~reached, np.bool_)


def _of_example(size: NDArray[np.float64], truth: NDArray[np.bool_], judged: NDArray[np.bool_]) -> dict[str, float]:
    """Return the metrics of one example: the strength of its bins, which carry evidence, and which are judged."""
    size, truth = size[judged][np.newaxis], truth[judged][np.newaxis]
    values = share_of_strongest(size, truth, truth.sum(1)), mass(size, truth), auroc(size, truth)
    return {name: float(value[0]) for name, value in zip(SPEC.metrics, values, strict=True)}


def auroc(size: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each row, (N, values) twice to (N,); NaN without a value on either side.

    Strengths that differ by less than their precision are tied, and a tied pair counts one half.
    """
    from scipy.stats import rankdata

    return area_under_roc(rankdata(levels(size), axis=1), truth, axis=1)
