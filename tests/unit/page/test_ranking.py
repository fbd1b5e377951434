"""Which explanations to look at: by hand-written tables."""

import numpy as np
import pandas as pd
import pytest

from pellucid import tables
from pellucid.page.ranking import ranking
from pellucid.page.summary import method_sections


def ranked(folder, ranks, failed=(), faithful=()):
    families = {"input_magnitude": "control", "random_attribution": "control"}
    table = pd.DataFrame(
        {
            "explanation": list(ranks),
            "family": [families.get(name, "gradient") for name in ranks],
            "mean rank": list(ranks.values()),
            "localisation.x rank": list(ranks.values()),
        }
    )
    judged = [("localisation.x", "truth", "higher", True, 9), ("form.y", "form", "neither", True, 20)]
    if faithful:
        table["deletion.z mean"] = faithful
        table["deletion.z rank"] = np.arange(1.0, len(table) + 1)
        judged.append(("deletion.z", "faithfulness", "higher", True, 5))
    tables.write(folder / "l.csv", table)
    tables.write(
        folder / "m.csv",
        pd.DataFrame(judged, columns=["metric", "family", "better", "first", "examples"]),
    )
    tables.write(
        folder / "c.csv",
        pd.DataFrame(
            [(name, "sanity", 0.83, ">", 0.5, name not in failed) for name in ranks],
            columns=["explanation", "check", "value", "sign", "limit", "passed"],
        ),
    )
    return ranking(folder / "l.csv", folder / "m.csv", folder / "c.csv")


def test_maps_that_are_the_same_everywhere_are_named_with_their_examples(tmp_path):
    ranked(tmp_path, {"saliency": 1, "grad_cam": 2, "input_magnitude": 3})
    rows = [("grad_cam", 0.2, "12, 40"), ("saliency", 0.0, ""), ("input_magnitude", 0.2, "3")]
    content = pd.DataFrame(rows, columns=["explanation", "value", "examples"])
    tables.write(tmp_path / "c.csv", content.assign(check="flat", sign=">", limit=0.5, passed=True))
    result = ranking(tmp_path / "l.csv", tmp_path / "m.csv", tmp_path / "c.csv")
    _, failures = method_sections(result, list(result.mean_ranks))
    (sentence,) = (text for text in failures.sentences if "same everywhere" in text)
    assert sentence.endswith("the test examples: grad_cam (12, 40).")
    assert result.failed == {}


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


def test_a_control_that_is_more_faithful_is_said(tmp_path):
    result = ranked(tmp_path, {"cam": 1, "saliency": 2, "input_magnitude": 3}, faithful=[0.1, 0.3, 0.2])
    (rival,) = result.outdone
    assert (rival.explanation, rival.control, rival.scores, rival.of) == ("cam", "input_magnitude", 1, 1)
    look = method_sections(result, ["cam", "saliency"])[0]
    assert look.mood == "doubtful"
    assert "Caution: input_magnitude, which does not look at the model, is better than cam on 1 of 1" in " ".join(
        look.sentences
    )


def test_without_ranks_none_is_named(tmp_path):
    result = ranked(tmp_path, {"saliency": np.nan, "occlusion": np.nan})
    assert (list(result.first), dict(result.mean_ranks)) == ([], {})
    assert method_sections(result, ["saliency"])[0].mood == "doubtful"


def test_of_a_doubtful_model_no_explanation_is_recommended_without_a_caution(tmp_path):
    result = ranked(tmp_path, {"cam": 1, "saliency": 2})
    looks = [method_sections(result, ["cam", "saliency"], of_doubtful_model=doubtful)[0] for doubtful in (False, True)]
    assert [look.mood for look in looks] == ["good", "doubtful"]
    assert "the model may know nothing" in looks[1].sentences[-1]


@pytest.mark.parametrize("names", [[], ["saliency"]])
def test_without_scores_nothing_is_recommended(names):
    (section,) = method_sections(None, names)
    assert section.mood == "unknown"


def test_a_score_that_ranks_none_of_the_ranked_explanations_is_not_behind_their_mean_rank(tmp_path):
    names = ["occlusion", "rise", "occlusion.domain=frequency"]
    ranked(tmp_path, dict(zip(names, [1, 2, np.nan], strict=True)), faithful=[0.5, 0.4, np.nan])
    table = tables.read(tmp_path / "l.csv")
    # The evidence is known in frequency: only a map over frequencies is ranked by it.
    table["localisation.x rank"], table["deletion.z rank"] = [np.nan, np.nan, 1], [1, 2, np.nan]
    tables.write(tmp_path / "l.csv", table)
    result = ranking(tmp_path / "l.csv", tmp_path / "m.csv", tmp_path / "c.csv")
    assert (list(result.families), result.examples) == (["faithfulness"], 5)
    look, _ = method_sections(result, names)
    assert "over the scores of faithfulness (1 would be" in " ".join(look.sentences)
