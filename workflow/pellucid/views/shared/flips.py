"""Change examples until the model predicts another class: along the gradient, or by parts of real examples.

All functions take an example for each row; no row depends on the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import contrasts
from pellucid.views.shared.ascent import Statistics

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

_HALVINGS = 20  # of the last step, to find where the class changes
_SIZES = 40  # of windows that are tried, at most
_PATH = 20  # points between an example and its neighbour, at which the gradient is taken


def flipped(model: ExplainedModel, x: Array, wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether the model predicts the wanted class (N,) of inputs (N, *input_shape): (N,)."""
    return np.asarray(model.logits(x).argmax(1) == wanted)


def along_gradient(
    model: ExplainedModel,
    x: Array,
    wanted: NDArray[np.int64],
    statistics: Statistics,
    measured: NDArray[np.bool_],
    *,
    steps: int,
    step: float,
    sparsity: float,
    smooth: int,
) -> Array:
    """Change inputs along the gradient of the wanted logit minus the largest other one, until the class changes.

    In each step the gradient (in standard deviations of the training values, averaged over `smooth` neighbours in time
    or space) is divided by its largest absolute value; values below `sparsity` of it do not move. 0 is the steepest way
    for the Euclidean distance; near 1 it is the steepest way for the sum of the absolute changes, which moves few
    values. At the end, the whole change is scaled back to the point where the class changes.

    Args:
        model: predicts classes.
        x: (N, *axes, channels).
        wanted: (N,) the class that each is changed to.
        statistics: of the training examples: the unit of the change, and the limits of every value.
        measured: (N, *axes, channels); other values do not change.
        steps: at most.
        step: largest change of a value in one step, in standard deviations.
        sparsity: from 0 to below 1.
        smooth: width of the moving average along each axis; 1 for none.

    Returns:
        The changed inputs; the unchanged example if no change was found.

    Source: Wachter S, Mittelstadt B, Russell C. Counterfactual Explanations without Opening the Black Box. Harv J Law
    Technol 31 (2018), equation 1, with the hinge of the logits as loss; the threshold of the gradient takes the place
    of its distance, whose weight would have to be searched.
    """
    current, done = x.copy(), flipped(model, x, wanted)
    # An example may reach beyond the training examples, and padding lies at values of its own.
    low, high = np.minimum(statistics.low, x), np.maximum(statistics.high, x)
    whole = tuple(range(1, x.ndim))
    for number in range(steps):
        if not (rows := np.flatnonzero(~done)).size:
            break
        part = current[rows]
        logits = model.logits(part)
        masked = logits.copy()
        masked[np.arange(len(rows)), wanted[rows]] = -np.inf
        targets = contrasts(wanted[rows], masked.argmax(1))
        slope = averaged(model.gradient(part, targets) * statistics.deviation * measured[rows], smooth) * measured[rows]
        # What is at its limit and pushed outwards cannot move, and must not set the scale.
        slope = np.where((slope > 0) & (part >= high[rows]) | (slope < 0) & (part <= low[rows]), 0, slope)
        largest = np.abs(slope).max(whole, keepdims=True)
        direction = slope / np.where(largest > 0, largest, 1)
        direction = np.where(np.abs(direction) >= sparsity, direction, 0)
        current[rows] = np.clip(part + step * direction * statistics.deviation, low[rows], high[rows])
        done[rows] = flipped(model, current[rows], wanted[rows])
        if (number + 1) % 50 == 0:
            logger.info("step %d of at most %d: %d of %d examples changed", number + 1, steps, done.sum(), len(x))
    return _scaled_back(model, x, np.where(done.reshape(-1, *[1] * len(whole)), current, x), wanted)


def _scaled_back(model: ExplainedModel, x: Array, changed: Array, wanted: NDArray[np.int64]) -> Array:
    """Return inputs between x and `changed`, as near to x as the wanted class allows, by halving."""
    shape = (-1, *[1] * (x.ndim - 1))
    low, high = np.zeros(len(x)), np.ones(len(x))
    difference = changed.astype(np.float64) - x

    def at(share: NDArray[np.float64]) -> Array:
        return np.asarray(x + share.reshape(shape) * difference, np.float32)

    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        changes = flipped(model, at(middle), wanted)
        low, high = np.where(changes, low, middle), np.where(changes, middle, high)
    # The end of the interval that was seen to be of the wanted class; values that did not move stay the same bytes.
    return np.where(difference == 0, x, at(high))


def averaged(values: Array, width: int) -> Array:
    """Return the moving average over `width` neighbours along each axis of inputs (N, *axes, channels)."""
    if width == 1:
        return values
    from scipy.ndimage import uniform_filter

    sizes = (1, *[width] * (values.ndim - 2), 1)
    return np.asarray(uniform_filter(values, sizes, mode="nearest"), np.float32)


def nearest_window(model: ExplainedModel, x: Array, neighbours: Array, wanted: NDArray[np.int64]) -> Array:
    """Replace the smallest window of each example that changes the class by the same window of its neighbour.

    For each size the window with the largest sum of contributions is tried: integrated gradients from the example to
    its neighbour. They say how much the replacement of each value adds to the logit of the wanted class minus that of
    the predicted class. Windows are intervals of a series, over all channels, and rectangles of an image.

    Args:
        model: predicts classes.
        x: (N, *axes, channels).
        neighbours: (N, *axes, channels), for which the model predicts the wanted class.
        wanted: (N,).

    Source: Delaney E, Greene D, Keane MT. Instance-Based Counterfactual Explanations for Time Series Classification.
    ICCBR (2021), whose windows follow the class activation map of the neighbour.
    """
    own = model.logits(x).argmax(1)
    targets = contrasts(wanted, own)
    total = np.zeros(x.shape, np.float64)
    for share in (np.arange(_PATH) + 0.5) / _PATH:
        total += model.gradient(np.asarray(x + share * (neighbours - x), np.float32), targets)
    contributions = (total / _PATH * (neighbours - x)).sum(-1)
    result, left = neighbours.copy(), np.ones(len(x), np.bool_)
    axes = x.shape[1:-1]
    for size in _sizes(axes):
        rows = np.flatnonzero(left)
        tried = x[rows].copy()
        for place, row in enumerate(rows):
            start = _best_start(contributions[row], size)
            window = tuple(slice(first, first + length) for first, length in zip(start, size, strict=True))
            tried[place][window] = neighbours[row][window]
        changes = flipped(model, tried, wanted[rows])
        result[rows[changes]] = tried[changes]
        left[rows[changes]] = False
        if not left.any():
            break
    return result


def _sizes(axes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield sizes of windows, from small to large: of the same share along each axis."""
    shares = np.unique(np.round(np.geomspace(1, max(axes), _SIZES)).astype(int)) / max(axes)
    for share in shares:
        yield tuple(max(1, round(float(share * length))) for length in axes)


def _best_start(contributions: NDArray[np.float64], size: tuple[int, ...]) -> tuple[int, ...]:
    """Return where the window of a size with the largest sum of contributions (*axes) begins."""
    sums = contributions
    for axis, length in enumerate(size):
        running = np.insert(np.cumsum(sums, axis), 0, 0, axis)
        sums = np.take(running, range(length, running.shape[axis]), axis) - np.take(
            running, range(running.shape[axis] - length), axis
        )
    return tuple(int(place) for place in np.unravel_index(int(sums.argmax()), sums.shape))


def fewest_channels(model: ExplainedModel, x: Array, candidates: Array, wanted: NDArray[np.int64]) -> Array:
    """Replace as few whole channels of each example as possible by those of one real example of the wanted class.

    Channels are added one by one, the one that raises the wanted class's probability most first, until the class
    changes; then those that are not needed are taken back. Of several candidates, the one that needs the fewest
    channels is taken; if several need as few, the one with the highest probability.

    Args:
        model: predicts classes.
        x: (N, *axes, channels).
        candidates: (N, K, *axes, channels); the model predicts the wanted class for each.
        wanted: (N,).

    Source: Ates E, Aksar B, Leung VJ, Coskun AK. Counterfactual Explanations for Multivariate Time Series. ICAPAI
    (2021), section 3, with the greedy search.
    """
    result = x.copy()
    for row in range(len(x)):
        found = [_fewest_of_one(model, x[row], candidate, int(wanted[row])) for candidate in candidates[row]]
        counts = [int(channels.sum()) for channels, _ in found]
        best = min(range(len(found)), key=lambda place: (counts[place], -found[place][1]))
        result[row] = np.where(found[best][0], candidates[row, best], x[row])
    return result


def _fewest_of_one(model: ExplainedModel, x: Array, candidate: Array, wanted: int) -> tuple[NDArray[np.bool_], float]:
    """Return which channels (channels,) of one example are replaced, and the probability of the wanted class then."""
    replaced = np.zeros(x.shape[-1], np.bool_)

    def outcome(masks: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        shape = (len(masks), *[1] * (x.ndim - 1), len(replaced))
        probabilities = model.probabilities(np.where(masks.reshape(shape), candidate, x))
        return probabilities.argmax(1) == wanted, probabilities[:, wanted].astype(np.float64)

    single = np.eye(len(replaced), dtype=np.bool_)
    while not replaced.all():
        left = np.flatnonzero(~replaced)
        changes, probability = outcome(replaced | single[left])
        best = int(np.where(changes, 1 + probability, probability).argmax())
        replaced = replaced | single[left[best]]
        if changes[best]:
            break
    for channel in np.flatnonzero(replaced):
        fewer = replaced & ~single[channel]
        if fewer.any() and outcome(fewer[np.newaxis])[0][0]:
            replaced = fewer
    return replaced, float(outcome(replaced[np.newaxis])[1][0])
