"""The `tune` entry: what it compares, and what is refused."""

import pytest

from pellucid.config import tune_files
from pellucid.config.experiment_files import TargetError
from pellucid.config.resolution import ConfigError, resolve


def resolved(**entry):
    experiment = {
        "dataset": {"source": "digits"},
        "model": {"architecture": "digit_cnn"},
        "methods": {"only": ["occlusion"], "occlusion": {"sweep": {"window": ["auto", 1]}}},
        "scores": ["deletion_insertion", "cost"],
        **entry,
    }
    return resolve({"run": ["e"], "experiments": {"e": experiment}})


def test_the_variant_with_the_defaults_is_found():
    config = resolved(tune={"score": "deletion_insertion"})
    assert tune_files.compared(config, "e") == {
        "score": "deletion_insertion",
        "metric": "insertion_less_deletion",
        "methods": {
            "occlusion": {
                "variants": ["occlusion.window=auto", "occlusion.window=1"],
                "default": "occlusion.window=auto",
            }
        },
    }
    assert tune_files.values(config, "e") == "results/e/score/deletion_insertion/scores.npz"
    assert tune_files.all_figures(config) == ["results/e/score/tuned.png"]
    assert "results/e/score/tuned.csv" in tune_files.recorded(config, "e")


def test_without_it_nothing_is_made():
    config = resolved()
    assert not tune_files.all_figures(config)
    assert not tune_files.recorded(config, "e")
    with pytest.raises(TargetError, match="does not say tune"):
        tune_files.values(config, "e")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"tune": {"score": "localisation"}},
            "e.tune.score: found .localisation.; expected a score of this experiment",
        ),
        ({"tune": {"score": "cost"}}, "e.tune.metric: found .seconds.; expected a metric of cost"),
        (
            {"tune": {"score": "deletion_insertion", "metric": "insertion_less_deletio"}},
            'found "insertion_less_deletio".* Did you mean "insertion_less_deletion"',
        ),
        ({"tune": {"score": "deletion_insertion"}, "methods": ["occlusion"]}, "e.tune: found no method with a sweep"),
        (
            {
                "tune": {"score": "deletion_insertion"},
                "methods": {"only": ["occlusion"], "occlusion": {"sweep": {"window": [1, 2]}}},
            },
            "occlusion.sweep: found no values that are the method's defaults; .*: window: auto",
        ),
        ({"tune": "deletion_insertion"}, "tune"),
    ],
)
def test_what_cannot_be_compared_is_refused(entry, message):
    with pytest.raises(ConfigError, match=message):
        resolved(**entry)
