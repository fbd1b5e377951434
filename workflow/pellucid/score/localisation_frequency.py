"""Whether the strongest attributions lie at the frequencies of the evidence: relevance rank, relevance mass, AUROC."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.ranks import area_under_roc, levels
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.localisation import mass, share_of_strongest

DOMAIN = "frequency"

SPEC = ScoreSpec(
    title="Localisation of the evidence in frequency",
    family="truth",
    about="For explanations over frequency, whose evidence is known at the bins of the Fourier transform. Relevance "
    "rank: of the K strongest bins, where K is the number of bins that carry evidence, the share that do carry it. "
    "Relevance mass: the share of all strength that lies in them. AUROC: the probability that a bin with evidence is "
    "stronger than one without. Strength is the absolute attribution, summed over channels; ties count as drawn at "
    "random. The evidence itself scores 1; chance is the share of the bins that carry evidence, and 0.5 for AUROC. An "
    "example without evidence has no value. An explanation over time is left out: it says nothing of frequencies.",
    paper="Brüsch T et al. FreqRISE: Explaining time series using frequency masking. arXiv:2406.13584 (2024), section "
    "4; after Arras L, Osman A, Samek W. CLEVR-XAI. Information Fusion 81 (2022), equations 1 and 2",
    metrics={
        "relevance_rank": Metric("Rank accuracy in frequency", "higher", 0, 1),
        "relevance_mass": Metric("Relevance mass in frequency", "higher", 0, 1),
        "auroc": Metric("AUROC in frequency", "higher", 0, 1),
    },
    requires=("truth_frequency",),
    domains=(DOMAIN,),
)


def score(explanation: Explanation, case: ScoreContext, rng: np.random.Generator) -> ScoreResult:
    """Return all three metrics of each example; NaN for an example without evidence.

    Raises:
        InputError: the map is of another domain, or has another number of bins than the truth.
    """
    assert case.truth_frequency is not None
    truth = case.truth_frequency
    if explanation.domain != DOMAIN:
        found = f'a map over "{explanation.domain}"'
        raise InputError.unexpected(explanation.label, found, "frequency: the evidence is known at its bins")
    maps = np.abs(explanation.attributions.astype(np.float64))
    if maps.ndim != 3 or maps.shape[:2] != truth.shape:
        raise InputError.unexpected(
            explanation.label,
            f"maps of the shape {maps.shape}",
            f"({truth.shape[0]}, {truth.shape[1]} bins, channels), as the evidence in frequency has",
        )
    size, number = maps.sum(-1), truth.sum(1)
    return ScoreResult(
        {
            "relevance_rank": share_of_strongest(size, truth, number),
            "relevance_mass": mass(size, truth),
            "auroc": auroc(size, truth),
        }
    )


def auroc(size: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each row, (N, values) twice to (N,); NaN without a value on either side.

    Strengths that differ by less than their precision are tied, and a tied pair counts one half.
    """
    from scipy.stats import rankdata

    return area_under_roc(rankdata(levels(size), axis=1), truth, axis=1)
