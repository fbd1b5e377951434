"""Region perturbation and the degradation score: against their sums, each other, and a numerical derivative."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pellucid.datasets.base import UNLABELLED
from pellucid.score import degradation, region_perturbation, sufficiency
from pellucid.score.degradation import class_adjusted
from tests.support.linear_model import explained_by, gradient_input, linear_case, noise


def rng():
    return np.random.default_rng(7)


def test_aopc_is_the_mean_drop_over_the_first_regions():
    case, _ = linear_case((40, 2), number=3)
    explanation = explained_by(case, noise)
    found = region_perturbation.score(explanation, case, rng(), window=4, share=0.3, baselines=["zero"])
    ask = case.model.output
    for row in range(3):
        x, target = case.inputs[row : row + 1], case.targets[row : row + 1]
        sums = explanation.attributions[row].reshape(10, -1).sum(1)
        drops = {}
        for name, order in (("most", np.argsort(-sums)), ("least", np.argsort(sums))):
            gone = x.reshape(10, 4, 2).copy()
            drops[name] = [0.0]
            for region in order[:3]:
                gone[region] = 0
                drops[name].append(float((ask(x, target) - ask(gone.reshape(1, 40, 2), target))[0]))
        assert found.values["aopc.zero"][row] == pytest.approx(np.mean(drops["most"]), abs=1e-6)
        assert found.values["abpc.zero"][row] == pytest.approx(
            np.mean(drops["most"]) - np.mean(drops["least"]), abs=1e-6
        )
        assert found.curves["most first.zero"].x.tolist() == pytest.approx([0, 0.1, 0.2, 0.3])


def test_aopc_is_comprehensiveness_with_the_step_without_any_region():
    case, _ = linear_case((40, 2))
    explanation, options = explained_by(case, noise), {"unit": "window", "window": 4, "baselines": ["mean"]}
    aopc = region_perturbation.score(explanation, case, rng(), share=0.5, **options).values["aopc.mean"]
    fractions = [0.1, 0.2, 0.3, 0.4, 0.5]
    same = sufficiency.score(explanation, case, rng(), fractions=fractions, **options).values["comprehensiveness.mean"]
    np.testing.assert_allclose(aopc, same * 5 / 6, atol=1e-6)


@pytest.mark.parametrize("of", ["probability", "logit"])
def test_what_was_added_beats_noise_and_noise_is_at_chance(of):
    case, _ = linear_case((40, 2), number=60)
    exact, chance = explained_by(case, gradient_input), explained_by(case, noise)
    both = [region_perturbation.score(one, case, rng(), of=of, window=4).values for one in (exact, chance)]
    for metric in ("aopc.mean", "abpc.mean", "abpc.noise"):
        assert both[0][metric].mean() > both[1][metric].mean() + 0.1
    assert abs(both[1]["abpc.mean"].mean()) < 4 * both[1]["abpc.mean"].std() / np.sqrt(60)
    by_evidence = [
        degradation.score(one, case, rng(), of=of, order="evidence").values["degradation.zero"].mean()
        for one in (exact, chance)
    ]
    assert by_evidence[0] > by_evidence[1] + 0.1


def test_the_area_of_both_is_the_same():
    case, _ = linear_case((40, 2))
    explanation = explained_by(case, noise)
    one = region_perturbation.score(explanation, case, rng(), unit="sample", share=0.5, baselines=["zero"]).values
    options = {"order": "evidence", "share": 0.5, "steps": 20, "baselines": ["zero"]}
    other = degradation.score(explanation, case, rng(), **options).values
    np.testing.assert_allclose(one["abpc.zero"], other["degradation.zero"], atol=1e-9)


def test_strength_puts_evidence_for_and_against_first():
    case, _ = linear_case((40, 1))
    explanation = explained_by(case, gradient_input)
    absolute = replace(explanation, attributions=np.abs(explanation.attributions))
    one, two = (degradation.score(given, case, rng()).values["degradation.zero"] for given in (explanation, absolute))
    np.testing.assert_array_equal(one, two)


def adjusted_by_hand(scores, classes, penalty):
    means = [scores[classes == one].mean() for one in np.unique(classes)]
    differences = [abs(one - other) for one, other in combinations(means, 2)]
    return scores.mean() - penalty * np.mean(differences) / 2


@pytest.mark.parametrize("penalty", [0, 0.5, 1])
def test_the_mean_of_the_adjusted_values_is_the_adjusted_score(penalty):
    scores, classes = rng().normal(size=30), np.repeat([0, 1, 4], [5, 10, 15])
    values = class_adjusted(scores, classes, penalty)
    assert values.mean() == pytest.approx(adjusted_by_hand(scores, classes, penalty), abs=1e-12)
    # Two classes: half of the difference of their means, as the paper writes it.
    two = classes != 4
    found = class_adjusted(scores[two], classes[two], 1).mean()
    means = [scores[classes == one].mean() for one in (0, 1)]
    assert found == pytest.approx(scores[two].mean() - abs(means[0] - means[1]) / 2)


def test_each_value_holds_the_influence_of_its_example():
    scores, classes = rng().normal(size=30), np.repeat([0, 1, 4], [5, 10, 15])
    values, step = class_adjusted(scores, classes, 1), 1e-6
    for example in (0, 7, 29):
        # More weight for one example, less for all others.
        weights = np.full(30, (1 - step) / 30)
        weights[example] += step
        means = {one: np.average(scores[classes == one], weights=weights[classes == one]) for one in (0, 1, 4)}
        differences = [abs(one - other) for one, other in combinations(means.values(), 2)]
        moved = (weights * scores).sum() - np.mean(differences) / 2
        slope = (moved - adjusted_by_hand(scores, classes, 1)) / step
        assert values[example] == pytest.approx(adjusted_by_hand(scores, classes, 1) + slope, abs=1e-4)


def test_one_class_has_no_adjusted_score_and_examples_without_labels_count_by_what_is_explained():
    case, _ = linear_case((40, 2))
    explanation = explained_by(case, gradient_input)
    labelled = degradation.score(explanation, case, rng()).values["degradation_adjusted.zero"]
    unknown = replace(case, labels=np.full(6, UNLABELLED))
    np.testing.assert_array_equal(
        degradation.score(explanation, unknown, rng()).values["degradation_adjusted.zero"], labelled
    )
    one = replace(case, labels=np.zeros(6, int))
    found = degradation.score(explanation, one, rng())
    assert np.isnan(found.values["degradation_adjusted.zero"]).all()
    assert np.isfinite(found.values["degradation.zero"]).all()
    assert "two classes" in found.note
