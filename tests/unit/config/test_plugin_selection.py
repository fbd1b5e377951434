"""What `methods`, `views` and `scores` may say, and that config.yaml repeats no default."""

import copy

import pytest
import yaml

from pellucid import plugins
from pellucid.config import json_schema, plugin_checks, plugin_selection, resolution
from tests.conftest import ROOT
from tests.support.good_settings import GOOD

ENTRY = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}


def resolved(defaults=None, **entry):
    content = {"run": ["mine"], "defaults": defaults or {}, "experiments": {"mine": {**ENTRY, **entry}}}
    return resolution.resolve(content)


def run(key="methods", defaults=None, **entry):
    return resolved(defaults, **entry).experiments["mine"][key]


def test_the_basic_set_runs_where_nothing_is_said():
    settings = resolved()
    for key, names in plugin_selection.BASIC.items():
        left_out = settings.skipped["mine"]
        assert set(settings.experiments["mine"][key]) == set(names) - set(left_out)
        assert run(key) == run(key, **{key: "basic"})


def test_every_plugin_of_the_package_is_in_the_set_of_all():
    for key, package in plugin_selection.PACKAGES.items():
        assert (
            set(plugin_selection.BASIC[key]) <= set(plugin_selection.names_of("all", key)) == set(plugins.load(package))
        )


def test_sets_of_one_kind_hold_methods_and_are_never_in_the_basic_set_for_masks():
    for name, members in plugin_selection.OF_ONE_KIND.items():
        assert set(members) <= set(plugins.load("explain"))
        assert set(run(methods=name)) | set(resolved(methods=name).skipped["mine"]) >= set(members)
    assert set(run(methods="masks")) == {"extremal_perturbation", "extremal_mask"}
    assert not set(plugin_selection.OF_ONE_KIND["masks"]) & set(plugin_selection.BASIC["methods"])
    of_family = {name for name, module in plugins.load("explain").items() if module.SPEC.family == "class activation"}
    assert set(plugin_selection.OF_ONE_KIND["cam"]) == of_family - {"attention_gradient"}
    assert set(run(methods={"only": "cam", "cam": False})) == set(run(methods="cam")) - {"cam"}
    with pytest.raises(resolution.ConfigError, match='found "masks"'):
        resolved(views="masks")


def test_a_method_of_series_is_left_out_for_images_and_refused_where_it_is_named():
    assert "dynamask" in resolved(methods="all").skipped["mine"]
    with pytest.raises(resolution.ConfigError, match="found a method for data of the kind series; the data are of the"):
        resolved(methods=["dynamask"])


@pytest.mark.parametrize("key", ["methods", "views", "scores"])
def test_none(key):
    assert run(key, **{key: "none"}) == {}
    assert run(key, {key: "none"}) == {}


def test_a_list_means_these_alone():
    assert set(run(methods=["grad_cam", "occlusion"])) == {"grad_cam", "occlusion"}
    listed = run(methods=["grad_cam", {"occlusion": {"window": 2}}])
    assert (set(listed), listed["occlusion"]["window"]) == ({"grad_cam", "occlusion"}, 2)
    assert run(methods=[]) == {}


def test_a_list_inherits_the_parameters_of_the_defaults():
    inherited = run(defaults={"methods": {"occlusion": {"window": 3}, "lime": False}}, methods=["occlusion", "lime"])
    assert inherited["occlusion"]["window"] == 3
    assert inherited["lime"] == run()["lime"]


def test_an_experiment_adds_to_a_short_default():
    short = {"methods": ["saliency"]}
    assert set(run(defaults=short)) == {"saliency"}
    assert set(run(defaults=short, methods={"occlusion": {"window": 2}})) == {"saliency", "occlusion"}
    assert set(run(defaults=short, methods="basic")) == set(run())


def test_a_mapping_changes_what_is_inherited():
    changed = run(methods={"without": ["lime"], "rise": False, "occlusion": {"window": 2}})
    assert set(run()) - set(changed) == {"lime", "rise"}
    assert changed["occlusion"]["window"] == 2


def test_only_and_without():
    assert set(run(methods={"only": ["lime", "occlusion"]})) == {"lime", "occlusion"}
    assert set(run(methods={"only": "all", "without": ["lime"]})) == set(run(methods="all")) - {"lime"}
    assert set(run(methods={"only": "all", "lime": False})) == set(run(methods="all")) - {"lime"}


@pytest.mark.parametrize(
    "methods",
    [
        {"only": ["lime", "occlusion"], "without": ["lime"]},
        {"only": ["occlusion"], "lime": {"samples": 900}},
        {"only": "none", "lime": {}},
        {"only": ["lime"], "lime": False},
        {"without": ["lime"], "lime": {"samples": 900}},
    ],
)
def test_what_one_mapping_asks_for_and_leaves_out_is_refused(methods):
    with pytest.raises(resolution.ConfigError, match="experiments.mine.methods.*expected one of the two"):
        run(methods=methods)


def test_what_does_not_apply_is_refused_where_it_is_named_and_left_out_where_a_set_names_it():
    assert "cam" in resolved(methods="all").skipped["mine"]
    for methods in (["cam"], {"only": ["cam"]}, {"cam": {}}):
        with pytest.raises(resolution.ConfigError, match="mine.methods.cam: found a method that needs gap"):
            resolved(methods=methods)


@pytest.mark.parametrize("methods", [["saliency"], ["saliency", "occlusion"], "none", {"without": ["occlusion"]}, {}])
def test_a_study_sweeps_over_a_method_whatever_the_selection_says(methods):
    members = resolved(methods=methods, sweep={"methods.occlusion.window": [2, 3]}).settings
    assert [member.methods["occlusion"]["window"] for member in members.values()] == [2, 3]


def test_a_study_turns_a_method_off_and_on():
    off, on = resolved(methods=["saliency"], sweep={"methods.occlusion": [False, True]}).settings.values()
    assert (set(off.methods), set(on.methods)) == ({"saliency"}, {"saliency", "occlusion"})


WRONG = [
    (
        "basi",
        'experiments.mine.methods: found "basi"',
        "none, basic, all, cam, relevance, masks or a list or a mapping",
    ),
    (3, "experiments.mine.methods: found 3", "none, basic, all, cam, relevance, masks or a list or a mapping"),
    (["gradcam"], 'experiments.mine.methods: found "gradcam"', 'Did you mean "grad_cam"?'),
    (["lime", "lime"], "experiments.mine.methods.1: found lime a second time", "each name once"),
    ([{"lime": {}, "rise": {}}], "experiments.mine.methods.0: found", "one name with its parameters"),
    ([{"lime": False}], "experiments.mine.methods.0: found", "one name with its parameters"),
    ([3], "experiments.mine.methods.0: found 3", "expected a name"),
    ({"only": ["lim"]}, 'experiments.mine.methods.only: found "lim"', 'Did you mean "lime"?'),
    ({"only": "everything"}, 'experiments.mine.methods.only: found "everything"', "a list of names or none, basic"),
    ({"without": "lime"}, 'experiments.mine.methods.without: found "lime"', "a list of names"),
    ({"only": ["lime"], "lime": False}, "experiments.mine.methods.lime: found false", "one of the two"),
    ([{"occlusion": {"windw": 3}}], 'methods.occlusion: found unknown key "windw"', 'Did you mean "window"?'),
]


@pytest.mark.parametrize(("methods", "first", "then"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_what_cannot_be_is_told(methods, first, then):
    with pytest.raises(resolution.ConfigError) as told:
        resolved(methods=methods)
    (fault,) = told.value.faults
    assert first in fault
    assert then in fault


def test_old_keys_are_refused_with_the_new_name():
    with pytest.raises(resolution.ConfigError, match=r"experiments.mine.vary: this key is now sweep"):
        resolved(vary={"seed": [1, 2]})
    model = {"architecture": "gap_cnn", "momentum": 0.9}
    with pytest.raises(resolution.ConfigError, match=r"mine.model.momentum: this key is now batch_norm_momentum"):
        resolved(model=model)


# config.yaml ----------------------------------------------------------------------------------------------------------


def repeated(content, allowed, path):
    """The dotted keys of `content` that hold the default of the schema `allowed`."""
    for key, value in content.items():
        schema = allowed.get("properties", {}).get(key, {})
        if isinstance(value, dict) and "properties" in schema:
            yield from repeated(value, schema, f"{path}.{key}")
        elif "default" in schema and schema["default"] == value:
            yield f"{path}.{key}"


def of_plugin(package, name):
    return {"properties": plugin_checks.declared(package, name)}


def all_repeated(content, settings):
    yield from repeated(content, json_schema.of_config(), "")
    for path, entry in {"defaults": content["defaults"], **content["experiments"]}.items():
        yield from repeated(entry, settings, path)
        for key, package, selector in (("dataset", "datasets", "source"), ("model", "models", "architecture")):
            if key in entry:
                yield from repeated(entry[key], of_plugin(package, entry[key][selector]), f"{path}.{key}")
        for key, package in plugin_selection.PACKAGES.items():
            written, faults = plugin_selection.as_mapping(entry.get(key, {}), key, path)
            assert not faults
            for name, parameters in written.items():
                if name not in ("only", "without"):
                    assert parameters, f"{path}.{key}.{name} says nothing"
                    # What `defaults` says of it may be taken back.
                    inherited = {} if path == "defaults" else content["defaults"].get(key, {}).get(name, {})
                    own = {name: value for name, value in parameters.items() if name not in inherited}
                    yield from repeated(own, of_plugin(package, name), f"{path}.{key}.{name}")


def test_the_configuration_repeats_no_default():
    settings = json_schema.of_config()["$defs"]["settings"]
    assert list(all_repeated(GOOD, settings)) == []
    spoilt = copy.deepcopy(GOOD)
    spoilt["threads"] = 1
    spoilt["experiments"]["digits"]["training"]["momentum"] = 0.9
    spoilt["experiments"]["digits"]["methods"]["occlusion"]["stride"] = 1
    assert len(list(all_repeated(spoilt, settings))) == 3


def test_the_first_experiment_of_the_readme_is_ten_lines():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = [part.split("```")[0] for part in page.split("```yaml\n")[1:] if part.startswith("run: [mine]")]
    assert len(block.splitlines()) <= 10
    content = yaml.safe_load(block)
    # Data that are there, in the place of the user's.
    content["experiments"]["mine"] |= {"dataset": {"source": "synthetic_ecg"}}
    settings = resolution.resolve(content).settings["mine"]
    assert set(settings.methods) == {"grad_cam", "occlusion"}
    assert (settings.views, settings.scores) == ({}, {})


@pytest.mark.parametrize("value", [0, 3, "False", [], "none"])
@pytest.mark.parametrize("others", [{}, {"only": "all"}, {"only": ["lime"]}])
def test_what_is_neither_parameters_nor_true_nor_false_is_refused(value, others):
    with pytest.raises(resolution.ConfigError, match="experiments.mine.methods.lime"):
        run(methods={**others, "lime": value})


def test_a_parameter_that_is_false_leaves_its_method_in():
    members = resolved(methods=["grad_cam"], sweep={"methods.grad_cam.relu": [True, False]}).settings
    assert [member.methods["grad_cam"]["relu"] for member in members.values()] == [True, False]


def test_a_study_over_a_set_leaves_out_what_does_not_apply():
    members = resolved(methods="all", sweep={"methods.occlusion.window": [2, 3]}).settings
    assert [member.methods["occlusion"]["window"] for member in members.values()] == [2, 3]
    off, on = resolved(methods="all", sweep={"methods.lime": [False, True]}).settings.values()
    assert set(on.methods) - set(off.methods) == {"lime"}


def test_a_written_parameter_takes_the_place_of_a_swept_one():
    methods = ["occlusion", {"saliency": {"sweep": {"mode": ["absolute", "signed"]}}}]
    members = resolved(methods=methods, sweep={"methods.saliency.mode": ["absolute", "signed"]}).settings
    assert [member.methods["saliency"]["mode"] for member in members.values()] == ["absolute", "signed"]
    assert all("sweep" not in member.methods["saliency"] for member in members.values())


def test_an_entry_and_its_parameter_are_not_swept_together():
    with pytest.raises(resolution.ConfigError, match="expected one of the two"):
        resolved(methods=[], sweep={"methods.lime": [True, False], "methods.lime.samples": [300, 400]})
