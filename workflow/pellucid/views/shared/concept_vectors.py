"""Concept activation vectors, and the test whether a model is more sensitive to a concept than to random examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import slices
from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel

Array = NDArray[np.float64]
Positions = Literal["mean", "each"]
Classifier = Literal["logistic", "difference"]

_MOST_BYTES = 2**30  # of the features of all examples of one layer


@dataclass(frozen=True)
class Space:
    """The features of a layer in which a concept is a direction.

    Attributes:
        model: the trained model.
        layer: address of the layer.
        positions: mean: a number for each feature map, its mean over time or space; each: the whole output, flattened.
    """

    model: ExplainedModel
    layer: str
    positions: Positions

    def features(self, parts: Iterator[NDArray[np.float32]], count: int) -> NDArray[np.float32]:
        """Return the features of `count` examples, which come in parts (n, *input_shape): (count, units).

        Raises:
            InputError: they would need more than 1 GiB.
        """
        rows: NDArray[np.float32] | None = None
        start = 0
        for x in parts:
            for part in slices(len(x), self.model.batch_size()):
                values = self.model.activations(np.asarray(x[part]), self.layer)
                values = values.reshape(len(values), -1, values.shape[-1])
                values = values.mean(1) if self.positions == "mean" else values.reshape(len(values), -1)
                if rows is None:
                    self._require_small(count, values.shape[1])
                    rows = np.empty((count, values.shape[1]), np.float32)
                rows[start : start + len(values)] = values
                start += len(values)
        assert rows is not None and start == count
        return rows

    def gradients(self, x: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the derivative of each target's score for the features: (N, units).

        For `mean`, all positions of a feature map change by the same amount: the derivative is the sum over the
        positions.
        """
        rows = []
        for part in slices(len(x), self.model.batch_size(backward=True)):
            _, gradient = self.model.activations_and_gradient(x[part], targets[part], self.layer)
            gradient = gradient.reshape(len(gradient), -1, gradient.shape[-1])
            rows.append(gradient.sum(1) if self.positions == "mean" else gradient.reshape(len(gradient), -1))
        return np.concatenate(rows)

    def _require_small(self, count: int, units: int) -> None:
        if 4 * count * units > _MOST_BYTES:
            found = f"{count:,} examples × {units:,} values of layer {self.layer}, {4 * count * units / 2**30:.1f} GiB"
            hint = "Take positions: mean, a deeper layer, or fewer examples (pool, examples)."
            raise InputError.unexpected("positions: each", found, "1 GiB at most", hint)


def vector(with_it: Array, without: Array, classifier: Classifier, penalty: float) -> tuple[Array, float]:
    """Return the concept activation vector: of length 1, across the boundary towards the concept; and the threshold.

    An example with features f is on the side of the concept where f · vector > threshold.
    logistic: the normal of a logistic regression that minimises mean loss + penalty / 2 × |weights|², of features
    divided by their root mean square distance from the mean (Kim et al. 2018, section 3.2, take any linear classifier).
    difference: the difference of both means; noise in other directions does not turn it away from the concept (Pahde F
    et al. Navigating Neural Space: Revisiting Concept Activation Vectors. ICLR 2025).

    Args:
        with_it, without: features (n, units) and (m, units).
        classifier: see above.
        penalty: of logistic.

    Returns:
        (units,), all 0 where the features of both sides are the same; and the threshold.
    """
    both = np.concatenate([with_it, without])
    middle = both.mean(0)
    centred = both - middle
    size = np.sqrt(np.square(centred).sum(1).mean())
    if size == 0:
        return np.zeros(both.shape[1]), 0.0
    if classifier == "difference":
        weights, intercept = with_it.mean(0) - without.mean(0), 0.0
    else:
        weights, intercept = _logistic(centred / size, len(with_it), penalty)
    length = np.linalg.norm(weights)
    if length == 0:
        return np.zeros(both.shape[1]), 0.0
    weights = weights / length
    return weights, float(weights @ middle - intercept * size / length)


def _logistic(rows: Array, first: int, penalty: float) -> tuple[Array, float]:
    """Return weights and intercept of a logistic regression that tells the first rows from the rest.

    The weights lie in the span of the rows: with more units than rows, the rows' coordinates in their own span give
    the same solution in a fraction of the time.
    """
    from sklearn.linear_model import LogisticRegression

    basis = None
    if rows.shape[1] > len(rows):
        left, sizes, basis = np.linalg.svd(rows, full_matrices=False)
        rows = left * sizes
    fitted = LogisticRegression(C=1 / (penalty * len(rows)), max_iter=1000, tol=1e-6)
    fitted.fit(rows, np.arange(len(rows)) < first)
    weights: Array = fitted.coef_[0] if basis is None else fitted.coef_[0] @ basis
    return weights, float(fitted.intercept_[0])


def accuracy(with_it: Array, without: Array, classifier: Classifier, penalty: float) -> float:
    """Return the share of right sides on the last third of the examples, which the vector is not fitted to."""
    kept = [2 * len(rows) // 3 for rows in (with_it, without)]
    direction, threshold = vector(with_it[: kept[0]], without[: kept[1]], classifier, penalty)
    right = with_it[kept[0] :] @ direction > threshold
    wrong = without[kept[1] :] @ direction > threshold
    return float((right.mean() + 1 - wrong.mean()) / 2)


def p_values(statistic: Array, random: Array) -> Array:
    """Return the two-sided p-value of a statistic among those of random concepts: (...) and (..., draws) to (...).

    A random concept is drawn as the concept would be if its examples were any examples. So the statistic is one more
    draw, and its distance from the mean of the draws, divided by their standard deviation × √(1 + 1/draws), has
    Student's distribution with draws - 1 degrees of freedom (Crawford JR, Howell DC. Comparing an individual's test
    score against norms derived from small samples. Clin Neuropsychol 12:482-486 (1998), equation 1). The t-test of Kim
    et al. treats the repeated fits of a concept as independent, although its examples are the same each time: sets of
    random examples would often be significant. The p-value is 1 if all draws are the same.
    """
    from scipy.stats import t as student

    draws = random.shape[-1]
    deviation = random.std(-1, ddof=1) * np.sqrt(1 + 1 / draws)
    distance = np.abs(statistic - random.mean(-1))
    ratio = np.where(deviation > 0, distance / np.where(deviation > 0, deviation, 1), 0)
    return np.asarray(2 * student.sf(ratio, draws - 1))


def false_positives(random: Array, level: float) -> float:
    """Return the share of random concepts (..., draws) with p below the level, each tested against the others."""
    draws = random.shape[-1]
    hits = [p_values(random[..., draw], np.delete(random, draw, -1)) < level for draw in range(draws)]
    return float(np.mean(hits))
