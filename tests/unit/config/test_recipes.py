"""`training: few_examples`: a recipe gives other defaults, and what is written beside it counts more."""

import copy

import pytest

from pellucid.config import recipes, resolution
from pellucid.config.resolution import ConfigError

SERIES = {"dataset": {"source": "synthetic_series"}, "model": {"architecture": "gap_cnn"}}
DIGITS = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}


def training(written=None, defaults=None, entry=SERIES):
    experiment = copy.deepcopy(entry) | ({} if written is None else {"training": written})
    content = {"run": ["a"], "experiments": {"a": experiment}}
    content |= {} if defaults is None else {"defaults": {"training": defaults}}
    return resolution.resolve(content).experiments["a"]["training"]


def holds(found, recipe):
    return all(
        holds(found[key], value) if isinstance(value, dict) else found[key] == value for key, value in recipe.items()
    )


@pytest.mark.parametrize(("entry", "kind"), [(SERIES, "series"), (DIGITS, "image")])
def test_a_recipe_by_name_fits_the_kind_of_the_data(entry, kind):
    assert holds(training("few_examples", entry=entry), recipes.RECIPES["few_examples"][kind])
    assert training("few_examples", entry=entry) == training({"recipe": "few_examples"}, entry=entry)
    assert "recipe" not in training("few_examples", entry=entry)


def test_what_stands_beside_it_counts_more():
    found = training({"recipe": "few_examples", "epochs": 3, "augmentation": {"jitter": 0}})
    whole = recipes.RECIPES["few_examples"]["series"]
    assert found["epochs"] == 3
    assert found["augmentation"] == training()["augmentation"] | whole["augmentation"] | {"jitter": 0}
    assert found["optimizer"] == whole["optimizer"]


def test_it_is_inherited_and_overridden_key_by_key():
    whole = recipes.RECIPES["few_examples"]["series"]
    assert holds(training(defaults="few_examples"), whole)
    found = training({"epochs": 3}, defaults={"recipe": "few_examples", "batch_size": 4})
    assert (found["epochs"], found["batch_size"], found["optimizer"]) == (3, 4, whole["optimizer"])
    # The nearer one counts more: a recipe that an experiment names is not undone by the defaults.
    assert training("few_examples", defaults={"epochs": 3})["epochs"] == whole["epochs"]


def test_another_name_is_refused_and_so_is_a_sweep_over_it():
    with pytest.raises(
        ConfigError, match=r'training: found "few_example" \(a text\); expected few_examples, or a mapp'
    ):
        training("few_example")
    study = {**SERIES, "sweep": {"training.recipe": ["few_examples"]}}
    with pytest.raises(ConfigError, match="unknown key"):
        resolution.resolve({"run": ["a"], "experiments": {"a": study}})
