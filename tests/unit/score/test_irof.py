"""IROF: against one segment and one prediction at a time, and where it has no meaning."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.score.irof import score
from pellucid.score.shared.units import units
from pellucid.targets import contrast
from tests.support.linear_model import explained_by, gradient_input, linear_case, noise
from tests.support.score_evidence import patchwork


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("shape", [(40, 2), (18, 16, 3)])
def test_areas_are_those_of_one_segment_at_a_time(shape):
    case, _ = linear_case(shape, number=3)
    if len(shape) == 3:
        case = replace(case, inputs=patchwork(3, *shape[:2]))
    maps = rng().normal(size=case.inputs.shape).astype(np.float32)
    explanation = replace(explained_by(case, gradient_input), attributions=maps)
    found = score(explanation, case, rng())
    unit = "superpixel" if len(shape) == 3 else "window"
    labels = units(case.inputs, unit=unit, window="auto", channels="together")[..., 0]
    for row in range(3):
        own = labels[row if len(labels) > 1 else 0]
        target, x = case.targets[row : row + 1], case.inputs[row].copy()
        order = sorted(range(own.max() + 1), key=lambda label: -maps[row][own == label].mean())
        kept = [float(case.model.output(x[None], target)[0])]
        for label in order:
            x[own == label] = case.inputs[row].mean(tuple(range(len(shape) - 1)))
            kept.append(float(case.model.output(x[None], target)[0]))
        share = np.minimum(np.array(kept) / kept[0], 1)
        area = ((share[1:] + share[:-1]) / 2).mean()
        assert found.values["irof.mean"][row] == pytest.approx(1 - area, abs=1e-5)


def test_a_large_segment_is_not_first_for_its_size():
    case, _ = linear_case((10, 1), number=2)
    # Windows of 7 and 3: the sum of the first is larger, the mean of the second.
    maps = np.concatenate([np.full((2, 7, 1), 1.0), np.full((2, 3, 1), 2.0)], axis=1).astype(np.float32)
    explanation = replace(explained_by(case, gradient_input), attributions=maps)
    curve = score(explanation, case, rng(), window=7, baselines=["zero"]).curves["removed.zero"]
    first = case.inputs.copy()
    first[:, 7:] = 0
    whole = case.model.output(case.inputs, case.targets)
    np.testing.assert_allclose(curve.y[:, 1], np.minimum(case.model.output(first, case.targets) / whole, 1), rtol=1e-5)


def test_what_was_added_beats_chance():
    case, _ = linear_case((40, 2), number=60)
    exact, chance = (
        score(explained_by(case, method), case, rng()).values["irof.mean"] for method in (gradient_input, noise)
    )
    assert exact.mean() > chance.mean() + 0.1
    assert 0 <= min(exact.min(), chance.min()) <= max(exact.max(), chance.max()) <= 1


def test_a_contrast_has_no_value():
    case, _ = linear_case((40, 2), number=2)
    case = replace(case, targets=np.array([contrast(0, 1), 1]))

    class Model(type(case.model)):
        def output(self, x, targets):
            return np.full(len(x), 0.5)

    model = Model(case.model.weights)
    explanation = replace(explained_by(replace(case, targets=np.array([0, 1])), gradient_input))
    found = score(explanation, replace(case, model=model), rng())
    np.testing.assert_array_equal(np.isnan(found.values["irof.mean"]), [True, False])
    assert "contrast" in found.note
