"""ROAD: the imputation against its own equations, solved densely; the curves against one prediction at a time."""

import itertools

import numpy as np
import pytest

from pellucid.score.road import score
from pellucid.score.shared.fills import fills
from pellucid.score.shared.imputation import imputed, noisy_linear
from tests.support.linear_model import constant, explained_by, gradient_input, linear_case, noise


def rng():
    return np.random.default_rng(7)


def dense(image, gone, kept):
    """The removed pixels by the equations, one pixel and one neighbour at a time."""
    places = list(zip(*np.nonzero(gone), strict=True))
    left, right = np.zeros((len(places), len(places))), np.zeros((len(places), image.shape[-1]))
    for row, (y, x) in enumerate(places):
        for down, across in itertools.product((-1, 0, 1), repeat=2):
            at = (y + down, x + across)
            if (down, across) == (0, 0) or not all(0 <= one < size for one, size in zip(at, gone.shape, strict=True)):
                continue
            weight = 1 / 12 if down and across else 1 / 6
            if gone[at]:
                left[row, row] += weight
                left[row, places.index(at)] -= weight
            elif kept[at]:
                left[row, row] += weight
                right[row] += weight * image[at]
    filled = image.copy()
    filled[gone] = np.linalg.solve(left, right)
    return filled


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_removed_pixels_solve_their_equations(share):
    image = rng().normal(size=(9, 8, 3)).astype(np.float32)
    gone = rng().random((9, 8)) < share
    np.testing.assert_allclose(imputed(image, gone, ~gone), dense(image, gone, ~gone), atol=1e-5)


def test_one_pixel_is_the_weighted_mean_of_its_neighbours_and_a_plane_stays():
    plane = np.add.outer(2.0 * np.arange(7), 3.0 * np.arange(6)).astype(np.float32)[..., np.newaxis]
    gone = np.zeros((7, 6), bool)
    gone[2:5, 2:4] = True
    np.testing.assert_allclose(imputed(plane, gone, ~gone), plane, atol=1e-4)
    corner = np.zeros((7, 6), bool)
    corner[0, 0] = True
    # Two neighbours beside it, one at its corner.
    assert imputed(plane, corner, ~corner)[0, 0, 0] == pytest.approx((2 + 3 + 5 / 2) / 2.5, abs=1e-5)


def test_without_any_kept_neighbour_it_is_the_mean():
    image = rng().normal(size=(5, 5, 2)).astype(np.float32)
    gone = np.zeros((5, 5), bool)
    gone[0, 0] = True
    kept = np.zeros((5, 5), bool)
    kept[4, 3:] = True
    np.testing.assert_allclose(imputed(image, gone, kept)[0, 0], image[4, 3:].mean(0), rtol=1e-5)
    whole = imputed(image, np.ones((5, 5), bool), kept & False)
    np.testing.assert_allclose(whole, np.broadcast_to(image.mean((0, 1)), whole.shape), atol=1e-5)


def test_a_series_is_imputed_by_straight_lines_and_noise_of_the_channels_range():
    case, _ = linear_case((30, 2), number=40)
    removed = rng().random((1, 40, 30, 1)) < 0.4
    everything = slice(0, 40)
    lines = fills(case, ["linear"], rng())["linear"](everything, removed)
    np.testing.assert_allclose(noisy_linear(case, 0, rng())(everything, removed), lines, rtol=1e-6)
    moved = noisy_linear(case, 0.5, rng())(everything, removed) - lines
    assert not moved[~np.broadcast_to(removed, moved.shape)].any()
    spread = moved / np.ptp(case.inputs, axis=1, keepdims=True)
    assert spread[np.broadcast_to(removed, moved.shape)].std() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("shape", [(30, 2), (6, 7, 2)])
def test_curves_are_those_of_one_prediction_at_a_time(shape):
    case, _ = linear_case(shape, number=3)
    explanation = explained_by(case, noise)
    found = score(explanation, case, rng(), shares=[0.5, 0.1], noise=0, of="logit")
    positions = int(np.prod(shape[:-1]))
    for name, sign in (("most first", -1), ("least first", 1)):
        curve = found.curves[name]
        np.testing.assert_array_equal(curve.x, [0.1, 0.5])
        for row, (share, column) in itertools.product(range(3), zip(curve.x, range(2), strict=True)):
            order = np.argsort(sign * explanation.attributions[row].sum(-1).ravel())
            gone = np.zeros(positions, bool)
            gone[order[: round(share * positions)]] = True
            grid = gone.reshape(shape[:-1])
            if len(shape) == 3:
                one = dense(case.inputs[row], grid, ~grid)
            else:
                kept = np.flatnonzero(~gone)
                one = np.stack([np.interp(np.arange(30), kept, case.inputs[row][kept, k]) for k in range(2)], axis=-1)
            assert curve.y[row, column] == pytest.approx(
                case.model.score(one[None], case.targets[row : row + 1])[0], abs=1e-4
            )
    np.testing.assert_allclose(
        found.values["road"], found.values["road_least_first"] - found.values["road_most_first"], atol=1e-12
    )


@pytest.mark.parametrize("shape", [(30, 2), (8, 8, 1)])
def test_what_was_added_beats_chance_and_chance_is_zero(shape):
    case, _ = linear_case(shape, number=60)
    exact, chance, equal = (
        score(explained_by(case, method), case, rng(), of="logit").values["road"]
        for method in (gradient_input, noise, constant)
    )
    assert exact.min() > 0
    for values in (chance, equal):
        assert exact.mean() > values.mean() + 5 * values.std() / np.sqrt(60)
        assert abs(values.mean()) < 4 * values.std() / np.sqrt(60)


def test_order_and_number_of_examples_do_not_matter():
    case, _ = linear_case((30, 2), number=5)
    explanation = explained_by(case, gradient_input)
    found = score(explanation, case, rng()).values["road"]
    alone, _ = linear_case((30, 2), number=5)
    object.__setattr__(alone, "inputs", case.inputs[::-1])
    object.__setattr__(alone, "targets", case.targets[::-1])
    turned = score(explained_by(alone, gradient_input), alone, rng()).values["road"]
    np.testing.assert_allclose(turned[::-1], found, atol=1e-6)


def test_the_interval_of_a_probability_ends_where_probabilities_do():
    from pellucid.score.run import scored

    case, _ = linear_case((30, 2), number=12)
    explanation = explained_by(case, gradient_input)
    for parameters, bounded in (({}, True), ({"of": "logit"}, False)):
        table, _ = scored("road", parameters, [(explanation, case)], 1)
        rows = table[(table["metric"] == "road_most_first") & (table["class"] == "all")]
        assert (rows["low"].item() >= 0 and rows["high"].item() <= 1) == bounded
