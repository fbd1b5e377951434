"""Which examples are scored: the files of each choice, and what is refused."""

import pytest

from pellucid.config import page_files, scored_files, study_files, summary_files
from pellucid.config.experiment_files import TargetError
from pellucid.config.resolution import ConfigError, resolve


def resolved(scored=None, **changes):
    examples = {"summarise": 8, "parts": 2} | ({} if scored is None else {"scored": scored})
    experiment = {
        "dataset": {"source": "synthetic_series"},
        "model": {"architecture": "gap_cnn"},
        "methods": {"only": ["saliency", "occlusion"]},
        "scores": ["cost", "seed_stability"],
        "views": "none",
    }
    experiment |= {**changes, "examples": examples | changes.get("examples", {})}
    return resolve({"run": ["e"], "experiments": {"e": experiment}})


def test_the_shown_examples_are_scored_unless_something_else_is_asked_for():
    config = resolved()
    assert set(scored_files.explained(config, "e")) == {"attributions", "cost", "checks"}
    assert scored_files.examples(config, "e") == "results/e/examples.npz"
    assert scored_files.words(config, "e") == ""
    assert set(scored_files.compared(config, "e")) == {"attributions"}
    assert "scored" not in page_files.settings(config, "e")["examples"]
    with pytest.raises(TargetError, match="found examples.scored shown"):
        scored_files.number(config, "e")


@pytest.mark.parametrize(("scored", "number"), [("measured", "all"), (5, 5)])
def test_measured_examples_are_read_from_the_parts_of_each_method(scored, number):
    config = resolved(scored)
    found, here = scored_files.explained(config, "e"), "results/e/measured"
    assert found["maps"] == [
        f"{here}/{method}/part_{part}of2.npy" for method in ("occlusion", "saliency") for part in (1, 2)
    ]
    assert found["facts"] == [path.replace(".npy", ".json") for path in found["maps"]]
    compared = scored_files.compared(config, "e")
    assert compared == {name: found[name] for name in ("maps", "measured", "scored", "filled")}
    assert found["measured"] == f"{here}/examples.npz"
    assert found["scored"] == scored_files.examples(config, "e") == "results/e/score/examples.npz"
    assert scored_files.number(config, "e") == number
    # The shown and the measured examples are those of the default.
    for of_examples in (summary_files.shown_examples, summary_files.measured_examples):
        assert of_examples(config, "e") == of_examples(resolved(), "e")
    # Other measured examples have other scores: the record of an explanation must tell them apart.
    told = page_files.settings(config, "e")["examples"]
    assert (told["scored"], told["summarise"]) == (scored, 8)


def test_a_study_ranks_the_examples_that_are_scored():
    repeated = {"repeats": 2, "explain": "all", "scores": ["deletion_insertion", "seed_stability"]}
    shown, measured = resolved(**repeated), resolved("measured", **repeated)
    for config, file in ((shown, "examples.npz"), (measured, "score/examples.npz")):
        member = next(iter(study_files.members(config, "e")))
        assert study_files.retrained_scores(config, "e")[f"{member}/examples"] == f"results/{member}/{file}"
    # Maps of shown examples are not set beside the stability of measured ones.
    assert any(key.endswith("seed stability") for key in study_files.retrained_explanations(shown, "e"))
    assert not any(key.endswith("seed stability") for key in study_files.retrained_explanations(measured, "e"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"examples": {"summarise": 0}},
            "e.examples.scored: found measured, and no measured examples; expected shown, or examples.summarise",
        ),
        (
            {"scored": 9},
            "e.examples.scored: found 9 examples of each class, and summarise: 8; expected at most 8",
        ),
        (
            {"methods": {"only": ["saliency", "occlusion"], "occlusion": {"sweep": {"domain": ["time", "frequency"]}}}},
            "e.examples.scored: found measured, and occlusion.domain=frequency, whose maps are over frequency",
        ),
        ({"scored": 0}, "e.examples.scored: found 0"),
        ({"scored": "all"}, "e.examples.scored: found .all."),
    ],
)
def test_what_cannot_be_scored_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        resolved(**{"scored": "measured", **changes})


def test_maps_over_frequencies_are_no_matter_where_nothing_is_scored():
    methods = {"only": ["occlusion"], "occlusion": {"domain": "frequency"}}
    assert resolved("measured", methods=methods, scores="none")
