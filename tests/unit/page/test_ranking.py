"""Which explanations to look at: by hand-written tables."""

import numpy as np
import pandas as pd
import pytest

from pellucid import tables
from pellucid.page.ranking import ranking
from pellucid.page.summary import method_sections


def ranked(folder, ranks, failed=()):
    families = {"input_magnitude": "control", "random_attribution": "control"}
    table = pd.DataFrame(
        {
            "explanation": list(ranks),
            "family": [families.get(name, "gradient") for name in ranks],
            "mean rank": list(ranks.values()),
        }
    )
    tables.write(folder / "l.csv", table)
    tables.write(
        folder / "m.csv",
        pd.DataFrame(
            [("localisation.x", "truth", "higher", True, 9), ("form.y", "form", "neither", True, 20)],
            columns=["metric", "family", "better", "first", "examples"],
        ),
    )
    tables.write(
        folder / "c.csv",
        pd.DataFrame(
            [(name, "sanity", 0.83, ">", 0.5, name not in failed) for name in ranks],
            columns=["explanation", "check", "value", "sign", "limit", "passed"],
        ),
    )
    return ranking(folder / "l.csv", folder / "m.csv", folder / "c.csv")


def test_controls_and_failed_ones_are_not_among_the_first(tmp_path):
    result = ranked(
        tmp_path,
        {"saliency": 1, "input_magnitude": 2, "occlusion": 3, "rise": 4, "lime": 5, "cam": 6},
        failed=["saliency", "input_magnitude"],
    )
    assert list(result.first) == ["occlusion", "rise", "lime"]
    assert list(result.better_controls) == ["input_magnitude"]
    assert result.failed["saliency"] == [("sanity", "0.83 > 0.5")]
    assert (list(result.families), result.examples) == (["truth"], 9)
    look, failures = method_sections(result, list(result.mean_ranks))
    text = " ".join(look.sentences)
    assert text.startswith("occlusion (mean rank 3.00), rise (mean rank 4.00) and lime (mean rank 5.00).")
    assert "Caution: input_magnitude, which does not look at the model, ranks better" in text
    assert look.mood == "doubtful"
    assert any("saliency (0.83 > 0.5)" in sentence for sentence in failures.sentences)
    assert any("should fail; these failed: input_magnitude." in sentence for sentence in failures.sentences)


def test_a_tie_for_the_third_place_names_all_and_is_said(tmp_path):
    third = 7 + 1e-9
    result = ranked(tmp_path, {"saliency": 1, "occlusion": 2, "rise": 7, "lime": third, "cam": 8})
    assert list(result.first) == ["saliency", "occlusion", "rise", "lime"]
    assert result.tied == {"rise", "lime"}
    assert "rise (mean rank 7.00, tied)" in method_sections(result, ["rise"])[0].sentences[0]


def test_without_ranks_none_is_named(tmp_path):
    result = ranked(tmp_path, {"saliency": np.nan, "occlusion": np.nan})
    assert (list(result.first), dict(result.mean_ranks)) == ([], {})
    assert method_sections(result, ["saliency"])[0].mood == "doubtful"


@pytest.mark.parametrize("names", [[], ["saliency"]])
def test_without_scores_nothing_is_recommended(names):
    (section,) = method_sections(None, names)
    assert section.mood == "unknown"
