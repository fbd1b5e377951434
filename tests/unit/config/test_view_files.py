"""Files that parameters of views name: looked for before any job, and inputs of the view's rule."""

import re

import pytest

from pellucid.config import kept_checkpoints, no_shared_files, resolution, source_files, view_files
from pellucid.config.resolution import ConfigError
from pellucid.errors import InputError


def config(concepts):
    experiment = {
        "dataset": {"source": "synthetic_series"},
        "model": {"architecture": "multivariate_cnn"},
        "views": {"only": ["tcav"], "tcav": {"concepts": concepts}},
    }
    return {"run": ["a"], "experiments": {"a": experiment}}


def test_files_of_concepts_are_inputs_of_the_rule_each_once(tmp_path):
    path = tmp_path / "sick.csv"
    path.write_text("index,sick\n1,1\n", encoding="utf-8")
    concepts = {
        "sick": {"table": str(path), "column": "sick"},
        "well": {"table": str(path), "column": "sick", "value": 0},
        "chirp": {"label": "chirp in c2 from step 40"},
        "far": {"examples": "https://example.org/spikes.npy"},
    }
    resolved = resolution.resolve(config(concepts))
    # In the order of the concepts' names.
    assert view_files.addresses(resolved, "a", "tcav", "tcav") == ["https://example.org/spikes.npy", str(path)]
    downloaded, here = view_files.paths(resolved, "a", "tcav", "tcav")
    assert here == str(path)
    assert source_files.downloads(resolved) == {downloaded: {"address": "https://example.org/spikes.npy"}}


def test_files_are_brought_where_jobs_share_none(tmp_path, monkeypatch):
    path = tmp_path / "spikes.npy"
    path.write_bytes(b"")
    monkeypatch.setenv(no_shared_files._VARIABLE, "")
    resolved = resolution.resolve(config({"spike": {"examples": str(path)}}))
    (brought,) = view_files.paths(resolved, "a", "tcav", "tcav")
    assert source_files.downloads(resolved)[brought] == {"address": str(path)}


@pytest.mark.parametrize(
    ("concept", "message"),
    [
        ({"examples": "nowhere.npy"}, "experiments.a.views.tcav: found no file at nowhere.npy; expected a file there"),
        ({"examples": "a{b}.npy"}, "with the sign {, which Snakemake reads as a wildcard"),
        ({"kind": "spikes"}, "experiments.a.views.tcav: concepts.spike: found {'kind': 'spikes'}; expected one of the"),
        ({"examples": ["a.npy"]}, "experiments.a.views.tcav.concepts.spike.examples: found"),
        ({"examples": 7}, "concepts.spike.examples: found 7; expected the path of a file"),
    ],
)
def test_what_cannot_be_read_is_refused_before_any_job(concept, message):
    with pytest.raises(ConfigError) as raised:
        resolution.resolve(config({"spike": concept}))
    assert message in str(raised.value)


def test_checkpoints_are_inputs_of_views_that_take_them_where_the_training_keeps_some():
    digits = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}
    kept = {
        "a": {"kept_checkpoints": 2},
        "ab": {},
        "b": {"kept_checkpoints": 0},
        "c": {"kept_checkpoints": 2, "epochs": 0},
    }
    experiments = {name: {**digits, "training": training} for name, training in kept.items()}
    resolved = resolution.resolve({"run": list(kept), "experiments": experiments})
    found = {name: kept_checkpoints.of_view(resolved, name, "training_influence") for name in kept}
    assert found == {"a": {"checkpoints": "results/a/model/checkpoints.npz"}, "ab": {}, "b": {}, "c": {}}
    assert kept_checkpoints.of_view(resolved, "a", "filters") == {}
    # One rule, and one alone, trains each of them.
    path = "results/{}/model/model.keras"
    for name in kept:
        patterns = kept_checkpoints.keeping(resolved), kept_checkpoints.keeping_none(resolved)
        fits = [bool(re.fullmatch(path.format(pattern), path.format(name))) for pattern in patterns]
        assert fits == [name == "a", name != "a"]
    # Results of trainings that keep none are known by the same settings as ever.
    assert ["kept_checkpoints" in resolved.experiments[name]["training"] for name in kept] == [True, False, False, True]


@pytest.mark.parametrize(("source", "architecture"), [("synthetic_ecg", "heartbeat_cnn"), ("basic_motions", "gap_cnn")])
def test_channels_cannot_be_exchanged_where_there_is_one(source, architecture):
    views = {"only": ["counterfactuals"], "counterfactuals": {"sweep": {"of": ["gradient", "comte"]}}}
    entry = {"dataset": {"source": source}, "model": {"architecture": architecture}, "views": views}
    content = {"run": ["a"], "experiments": {"a": entry}}
    if source == "basic_motions":
        resolution.resolve(content)
        # Of other sources, the data say how many channels there are.
        resolution.require_fit(content, "a", (100,), 6)
        with pytest.raises(InputError, match="views.counterfactuals: of: comte replaces whole channels"):
            resolution.require_fit(content, "a", (100,), 1)
        return
    with pytest.raises(ConfigError, match="a.views.counterfactuals: of: comte replaces whole channels"):
        resolution.resolve(content)
