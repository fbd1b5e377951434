"""What an edit reruns: the jobs that depend on it, all of them, and no other."""

import copy
import shutil
import time

import numpy as np
import pytest

from tests.support.project import Project
from tests.support.servers import closed_port

SETTINGS = {
    "training": {"epochs": 2, "batch_size": 128},
    "examples": {"per_class": 1, "choose": "any"},
    "methods": {"saliency": {}, "occlusion": {"window": 3, "stride": 3}},
}
EXPERIMENT = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}
CONFIG = {
    "run": ["one", "two"],
    "defaults": SETTINGS,
    "experiments": {"one": {**EXPERIMENT, "title": "One"}, "two": EXPERIMENT},
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project after a full run."""
    project = Project(tmp_path_factory.mktemp("built"), CONFIG)
    project.build()
    return project


@pytest.fixture
def project(built):
    """The built project; every edit is taken back, with its time."""
    before = {
        path: path.read_bytes() for path in [*built.folder.glob("workflow/**/*.py"), built.folder / "config.yaml"]
    }
    yield built
    for path in set(built.folder.glob("workflow/**/*.py")) - set(before):
        path.unlink()
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def changed(*path_and_value):
    content = copy.deepcopy(CONFIG)
    *path, last, value = path_and_value
    place = content
    for key in path:
        place = place.setdefault(key, {})
    place[last] = value
    return content


def told(name):
    """What is made again whenever an experiment has another explanation."""
    return {f"Write the page of {name}", f"Record {name} in MLflow"}


def explained(method, name, label=None):
    return {f"Explain {name} by {method}", f"Draw {label or method} of {name}"} | told(name)


def everything(name):
    alone = {
        f"Prepare the data of {name}",
        f"Draw the data of {name}",
        f"Train digit_cnn on {name}",
        f"Draw the training of {name}",
        f"Evaluate {name} on its test examples",
        f"Draw the evaluation of {name}",
        f"Choose the examples of {name} that are explained",
    }
    return alone.union(*(explained(method, name) for method in SETTINGS["methods"]))


def test_after_a_full_run_nothing_is_to_be_done(project):
    assert project.planned() == set()


def test_a_changed_parameter_of_one_method(project):
    project.configure(changed("experiments", "one", "methods", {"occlusion": {"window": 2, "stride": 2}}))
    assert project.planned() == explained("occlusion", "one")


def test_a_changed_line_of_one_methods_file(project):
    project.edit("workflow/pellucid/explain/saliency.py", "np.abs(gradient)", "abs(gradient)")
    assert project.planned() == explained("saliency", "one") | explained("saliency", "two")


def test_a_changed_comment_reruns_nothing(project):
    project.edit("workflow/pellucid/explain/saliency.py", '"""Return the gradient of', '"""Give the gradient of')
    assert project.planned() == set()


def test_a_changed_seed_of_one_experiment(project):
    project.configure(changed("experiments", "two", "seed", 7))
    assert project.planned() == everything("two")


def test_a_changed_number_of_epochs_leaves_the_data(project):
    project.configure(changed("experiments", "one", "training", {"epochs": 3}))
    data = {"Prepare the data of one", "Draw the data of one"}
    assert project.planned() == everything("one") - data


def test_other_examples_leave_the_model(project):
    project.configure(changed("experiments", "one", "examples", {"per_class": 2}))
    expected = {"Choose the examples of one that are explained"}
    assert project.planned() == expected.union(*(explained(method, "one") for method in SETTINGS["methods"]))


def test_a_changed_figure_computes_nothing(project):
    project.edit("workflow/pellucid/draw/explanation.py", "SHOWN = 4", "SHOWN = 3")
    drawn = {f"Draw {method} of {name}" for method in SETTINGS["methods"] for name in ("one", "two")}
    assert project.planned() == drawn | {"Record one in MLflow", "Record two in MLflow"}


def test_a_changed_engine_reruns_what_asks_the_model(project):
    project.edit("workflow/pellucid/network/engine.py", "_LARGEST_BATCH = 256", "_LARGEST_BATCH = 128")
    planned = project.planned()
    assert {f"Explain {name} by {method}" for method in SETTINGS["methods"] for name in ("one", "two")} <= planned
    assert not {job for job in planned if job.startswith(("Train", "Prepare"))}


def test_one_stage_by_name_and_for_one_experiment(project):
    both = explained("occlusion", "one") | explained("occlusion", "two")
    assert project.planned("--forcerun", "explain_occlusion") == both
    one = project.planned("--forcerun", "results/one/explain/occlusion/attributions.npz")
    assert one == explained("occlusion", "one")


def test_a_swept_parameter_gives_one_figure_each(project):
    project.configure(changed("experiments", "one", "methods", {"occlusion": {"sweep": {"window": [3, 5]}}}))
    labels = ["occlusion.window=3", "occlusion.window=5"]
    assert project.planned() == explained("occlusion", "one", labels[0]) | explained("occlusion", "one", labels[1])


def test_a_method_that_is_switched_off_is_not_planned_again(project):
    project.configure(changed("experiments", "one", "methods", {"occlusion": False}))
    assert project.planned() == told("one")


def test_a_changed_style_of_the_page_writes_the_pages_and_computes_nothing(project):
    sheet = project.folder / "workflow" / "pellucid" / "page" / "page.css"
    before = sheet.read_bytes()
    sheet.write_bytes(before + b"/* changed */")
    planned = project.planned()
    sheet.write_bytes(before)
    assert planned == told("one") | told("two")


METHOD = '''
"""The input itself."""

import numpy as np

from pellucid.explain.base import MethodSpec

SPEC = MethodSpec(title="Input", family="control", paper="none", unit="input", per_channel=True, signed=False)


def explain(model, inputs, targets, rng):
    return np.abs(inputs)
'''


def test_a_new_method_is_one_file_and_one_entry(project):
    (project.folder / "workflow/pellucid/explain/input_size.py").write_text(METHOD)
    project.configure(changed("experiments", "one", "methods", {"input_size": {}}))
    assert project.planned() == explained("input_size", "one")
    project.build("results/one/explain/input_size/input_size.png")
    with np.load(project.folder / "results/one/explain/input_size/attributions.npz") as found:
        np.testing.assert_array_equal(found["attributions"][0], found["inputs"])
    shutil.rmtree(project.folder / "results/one/explain/input_size")


def test_a_misspelt_key_ends_the_run_at_once_and_before_any_job(project):
    project.configure(changed("experiments", "one", "training", {"epoch": 3}))
    started = time.perf_counter()
    done = project.snakemake("--cores", "2")
    seconds = time.perf_counter() - started
    assert done.returncode != 0
    assert 'experiments.one.training: found unknown key "epoch"' in done.stderr
    assert 'Did you mean "epochs"?' in done.stderr
    assert "Traceback" not in done.stderr
    assert "Select jobs" not in done.stderr
    # Alone on two cores it takes less than 3 s; a machine that does other work as well gets more.
    assert seconds < 15


@pytest.mark.slow
def test_two_runs_in_two_folders_give_equal_arrays_and_metrics(built, tmp_path):
    other = Project(tmp_path, CONFIG)
    other.build("results")
    compared = 0
    for name in ("one", "two"):
        here, there = (project.folder / "results" / name for project in (built, other))
        for pattern in ("**/*.npy", "**/*.npz", "**/metrics.json", "**/*.csv", "**/training.json", "**/data.json"):
            for path in here.glob(pattern):
                assert path.read_bytes() == (there / path.relative_to(here)).read_bytes(), path
                compared += 1
    assert compared >= 2 * 15
    # The same data and the same seed give the same model; only the name of the experiment differs.
    one, two = (built.folder / "results" / name / "model" / "history.csv" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.slow
def test_a_tracking_server_that_is_down_costs_no_result(project):
    content = copy.deepcopy(CONFIG)
    content["tracking"] = {"uri": f"http://127.0.0.1:{closed_port()}"}
    content["experiments"]["one"]["methods"] = {"occlusion": {"window": 4, "stride": 2}}
    project.configure(content)
    started = time.perf_counter()
    done = project.snakemake("--cores", "2")
    assert time.perf_counter() - started < 60
    assert done.returncode != 0
    assert "tracking.uri: found no answer from http://127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
    assert project.planned("results") == set()
    # With a store that answers, nothing but the record is made.
    del content["tracking"]
    project.configure(content)
    record = {
        "Prepare the MLflow store sqlite:///results/mlflow/mlflow.db",
        "Record one in MLflow",
        "Record two in MLflow",
    }
    assert project.planned() == record
    project.build()
    # The results of this window stay: the test that comes after it asks for another.
    assert project.planned() == set()


def test_a_failing_method_stops_no_other(project):
    project.edit("workflow/pellucid/explain/saliency.py", "np.abs(gradient)", "np.abs(gradient) * np.nan")
    project.configure(changed("experiments", "one", "methods", {"occlusion": {"window": 4, "stride": 3}}))
    before = (project.folder / "results/one/explain/occlusion/attributions.npz").read_bytes()
    done = project.snakemake("--cores", "2", "results")
    assert done.returncode != 0
    assert "in the attribution of explained example 0" in done.stderr
    assert not (project.folder / "results/one/explain/saliency/attributions.npz").exists()
    assert (project.folder / "results/one/explain/occlusion/attributions.npz").read_bytes() != before


@pytest.mark.slow
def test_the_scheduler_looks_at_the_jobs_when_one_has_ended_and_at_no_other_time(project):
    # With the limit of jobs per second that Snakemake 9 has by itself it looks every second too, and for ever more often.
    said = project.build("--verbose", "--cores", "1", "--forcerun", "explain_saliency", "explain_occlusion")
    looks, ended = said.count("Ready jobs: "), said.count("Finished jobid: ")
    assert ended > 10
    assert looks <= ended
