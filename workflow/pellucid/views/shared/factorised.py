"""Factorise features that are not negative into a few parts that add up."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Parts:
    """A factorisation of the features of crops.

    Attributes:
        concepts: W (R, features), rows of length 1.
        amounts: U of every crop (N, crops, R).
        kept: share of the squared features that U W has.
    """

    concepts: NDArray[np.float64]
    amounts: NDArray[np.float64]
    kept: float

    def amounts_of(self, features: Array) -> NDArray[np.float64]:
        """Return the least squares amounts, not negative, of features (n, features) in the concepts: (n, R)."""
        from sklearn.decomposition import non_negative_factorization

        amounts, _, _ = non_negative_factorization(
            features.astype(np.float64), H=self.concepts, update_H=False, max_iter=1000, tol=1e-4
        )
        return np.asarray(amounts)


def factorise(features: Array, concepts: int, layer: str) -> Parts:
    """Factorise the features of crops (N, crops, features) into at most so many concepts.

    Raises:
        InputError: all features are 0.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    rows = features.reshape(-1, features.shape[-1]).astype(np.float64)
    if not rows.any():
        raise InputError.unexpected(f"layer {layer}", "features that are 0 for every crop", "some that are not")
    number = min(concepts, *rows.shape)
    # From the singular vectors: no start at random, so that the same features give the same concepts.
    factoriser = NMF(number, init="nndsvda", max_iter=2000, tol=1e-4, random_state=0)
    with warnings.catch_warnings():
        # Where it stops does not decide whether the concepts hold: `kept` and `scores` say how good they are.
        warnings.simplefilter("ignore", ConvergenceWarning)
        amounts = factoriser.fit_transform(rows)
    basis = factoriser.components_
    size = np.linalg.norm(basis, axis=1)
    basis, amounts = basis / np.where(size > 0, size, 1)[:, np.newaxis], amounts * size
    kept = 1 - np.square(rows - amounts @ basis).sum() / np.square(rows).sum()
    # All classes have the same number of concepts in the arrays: one that is not there is 0.
    missing = concepts - number
    basis, amounts = np.pad(basis, ((0, missing), (0, 0))), np.pad(amounts, ((0, 0), (0, missing)))
    return Parts(basis, amounts.reshape(*features.shape[:-1], -1), float(kept))
