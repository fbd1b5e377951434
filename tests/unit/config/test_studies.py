"""What an entry with `sweep` or `repeats` stands for."""

import copy

import pytest
import yaml

from pellucid.config import plugin_checks, resolution, studies
from tests.conftest import ROOT

GOOD = yaml.safe_load((ROOT / "config.yaml").read_text())
ENTRY = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}


def resolved(run=("s",), **entry):
    content = copy.deepcopy(GOOD)
    content["experiments"]["s"] = {**ENTRY, **entry}
    content["run"] = list(run)
    return resolution.resolve(content)


def test_the_members_are_the_product_of_the_values_and_are_named_after_them():
    found = resolved(sweep={"training.learning_rate": [0.001, 1e-5], "model.dropout": [0, 0.25]}, title="Digits")
    assert found.run == (
        "s__learning_rate_0p001__dropout_0",
        "s__learning_rate_0p001__dropout_0p25",
        "s__learning_rate_1em05__dropout_0",
        "s__learning_rate_1em05__dropout_0p25",
    )
    member = found.experiments["s__learning_rate_1em05__dropout_0p25"]
    assert (member["training"]["learning_rate"], member["model"]["dropout"]) == (1e-5, 0.25)
    assert member["title"] == "Digits, learning rate 1e-05, dropout 0.25"
    assert found.owners == dict.fromkeys(found.run, "s")


def test_a_member_is_what_the_same_settings_written_out_are():
    member = resolved(sweep={"training.epochs": [3, 4]}).experiments["s__epochs_4"]
    assert member == resolved(training={"epochs": 4}).experiments["s"]


def test_repeats_count_up_the_seed_of_the_training_alone():
    found = resolved(repeats=3, seed=7)
    assert [settings["training"]["seed"] for settings in found.experiments.values()] == [7, 8, 9]
    assert {settings["seed"] for settings in found.experiments.values()} == {7}
    assert list(found.run) == [f"s__training_seed_{seed}" for seed in (7, 8, 9)]
    (first, *_) = resolved(repeats=2, training={"seed": 40}).experiments.values()
    assert first["training"]["seed"] == 40
    # An experiment that says nothing of it is what it was before there was such a key.
    assert "seed" not in resolved().experiments["s"]["training"]


def test_all_folds():
    found = resolved(sweep={"split.fold": "all"}, split={"folds": 4})
    assert [settings["split"]["fold"] for settings in found.experiments.values()] == [0, 1, 2, 3]


def test_both_seeds_have_names_of_their_own():
    found = resolved(sweep={"seed": [1, 2], "training.seed": [1, 2]})
    assert found.run[1] == "s__seed_1__training_seed_2"


def test_a_parameter_of_a_method_is_added_to_what_the_defaults_say():
    found = resolved(sweep={"methods.occlusion.window": [2, 3]}, methods={"occlusion": {"stride": 2}})
    given = [settings["methods"]["occlusion"] for settings in found.experiments.values()]
    assert [(one["window"], one["stride"], one["baseline"]) for one in given] == [(2, 2, "zero"), (3, 2, "zero")]


def test_a_member_runs_by_its_own_name_and_knows_its_study():
    found = resolved(run=("s__epochs_4", "digits"), sweep={"training.epochs": [3, 4]})
    assert found.run == ("s__epochs_4", "digits")
    assert found.studies == {}
    assert found.owners == {"s__epochs_4": "s"}


def test_a_study_and_one_of_its_members_run_each_member_once():
    assert resolved(run=("s__epochs_4", "s"), sweep={"training.epochs": [3, 4]}).run == ("s__epochs_4", "s__epochs_3")


def test_groups_of_members_that_only_repeat_each_other():
    study = resolved(sweep={"training.epochs": [3, 4], "seed": [1, 2]}, repeats=2).studies["s"]
    assert [len(group) for group in study.repeated()] == [4, 4]
    assert [len(group) for group in study.retrained()] == [2, 2, 2, 2]
    assert resolved(sweep={"training.epochs": [3, 4]}).studies["s"].retrained() == []


@pytest.mark.parametrize(("explain", "left_out"), [("all", set()), ("first", {2, 3}), ("none", {1, 2, 3})])
def test_members_are_explained_as_the_study_asks(explain, left_out):
    found = resolved(repeats=3, explain=explain)
    assert found.unexplained == {f"s__training_seed_{seed}" for seed in left_out}
    # How a member would be explained is known all the same: it may be asked for by its name.
    assert len({str(settings["methods"]) for settings in found.experiments.values()}) == 1
    assert not any("explain" in settings for settings in found.experiments.values())


def test_a_member_that_run_names_is_explained():
    assert resolved(run=("s__training_seed_2",), repeats=2, explain="none").unexplained == frozenset()
    both = resolved(run=("s", "s__training_seed_2"), repeats=2, explain="none")
    assert both.unexplained == {"s__training_seed_1"}


def test_the_first_member_is_explained_unless_explanations_are_what_differs():
    found = resolved(repeats=3)
    assert found.unexplained == {"s__training_seed_2", "s__training_seed_3"}
    (line,) = [line for line in found.notes if line.startswith("s: of its")]
    assert line == "s: of its 3 members the first alone is explained; with explain: all every member is."
    for key, values in {
        "methods.occlusion.window": [2, 3],
        "views.activation_maximisation.smoothness": [1, 2],
        "scores.deletion_insertion.steps": [2, 3],
        "examples.per_class": [1, 2],
        "figures.colour_scale": ["panel", "common"],
    }.items():
        found = resolved(sweep={key: values, "training.epochs": [1, 2]})
        assert (found.unexplained, [line for line in found.notes if line.startswith("s: of its")]) == (frozenset(), [])


def test_a_study_that_says_what_it_explains_is_not_told_so():
    assert not [line for line in resolved(repeats=3, explain="first").notes if line.startswith("s: of its")]


def test_what_is_the_same_for_all_members_is_told_once():
    with pytest.raises(resolution.ConfigError) as told:
        resolved(sweep={"training.epochs": [3, 4]}, methods={"cam": {}})
    (fault,) = told.value.faults
    assert fault.startswith("experiments.s.methods.cam: found a method that needs gap")
    with pytest.raises(resolution.ConfigError) as told:
        resolved(sweep={"training.epochs": [3, "many"]})
    (fault,) = told.value.faults
    assert fault.startswith('experiments.s__epochs_many.training.epochs: found "many"')


def test_lists_mappings_and_texts_become_names():
    assert studies._safe([32, 64]) == "32_64"
    assert studies._safe({"window": 3}) == "window_3"
    assert studies._safe("val_Loss-2") == "val_loss_2"
    assert (studies._safe(-0.5), studies._safe(1.0), studies._safe(True)) == ("m0p5", "1p0", "true")


def test_every_dotted_key_that_is_offered_exists():
    keys = plugin_checks.sweepable(ENTRY)
    assert {"seed", "training.seed", "split.fold", "model.dropout", "methods.occlusion.window"} <= set(keys)
    assert not {"title", "methods", "training", "sweep"} & set(keys)
