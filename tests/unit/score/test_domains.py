"""Scores of maps over frequencies: they are left out with a reason, or measured without padding and truth."""

import logging

import numpy as np
import pytest

from pellucid import plugins
from pellucid.score.base import ALL_DOMAINS, Explanation, ScoreContext
from pellucid.score.run import scored


def explanation(domain, label="saliency"):
    shape = {"time": (4, 20, 1), "frequency": (4, 11, 1)}[domain]
    maps = np.abs(np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    cost = {"seconds": 2.0, "forward_passes": 8, "backward_passes": 4}
    return Explanation(label, "saliency", maps, cost=cost, domain=domain, re_explain=lambda *_, **__: maps)


@pytest.fixture
def case():
    inputs = np.random.default_rng(1).standard_normal((4, 20, 1)).astype(np.float32)
    return ScoreContext(
        data_info={"classes": ["a", "b"], "channels": ["x"], "kind": "series", "shape": [20, 1]},
        inputs=inputs,
        targets=np.zeros(4, np.int64),
        labels=np.array([0, 0, 1, 1]),
        truth=inputs > 0,
        measured=np.ones(inputs.shape, bool),
    )


def test_a_score_in_time_leaves_out_a_map_over_frequencies(case, caplog):
    pairs = [(explanation("time"), case), (explanation("frequency", "saliency.domain=frequency"), case)]
    with caplog.at_level(logging.WARNING):
        content, values = scored("localisation", {}, pairs, 0)
    assert set(content["explanation"]) == {"saliency"}
    assert not [name for name in values if "frequency" in name]
    assert "saliency.domain=frequency is left out, since its map is over frequency" in caplog.text


def test_a_table_without_any_map_in_time_has_empty_values(case):
    content, values = scored("localisation", {}, [(explanation("frequency"), case)], 0)
    assert content["mean"].isna().all()
    assert (content["examples"] == 0).all()
    assert "defined for maps over time alone" in str(values["note"])


def test_form_and_cost_are_of_all_values_of_the_map(case):
    of_map = explanation("frequency")
    content, values = scored("form", {}, [(of_map, case)], 0)
    size = np.sort(of_map.attributions.reshape(4, -1), axis=1).astype(np.float64)
    gini = ((2 * np.arange(1, 12) - 12) * size).sum(1) / (11 * size.sum(1))
    np.testing.assert_allclose(values["saliency/sparseness"], gini, rtol=1e-6)
    content, _ = scored("cost", {}, [(of_map, case)], 0)
    assert (content.loc[content["metric"] == "forward_passes", "mean"] == 2).all()


def test_what_explains_padded_examples_again_is_left_out(case, caplog):
    content, _ = scored(
        "seed_stability",
        plugins.defaults(plugins.load("score")["seed_stability"]),
        [(explanation("frequency"), case)],
        0,
    )
    assert content["mean"].isna().all()
    assert "padded examples" in caplog.text


def test_scores_name_domains_that_exist():
    declared = {name: module.SPEC.domains for name, module in plugins.load("score").items()}
    assert all(set(names) <= set(ALL_DOMAINS) for names in declared.values())
    assert declared["deletion_insertion"] == ("time",)
