"""The task of an experiment, known when it is planned: losses and monitored scores that fit, and what is left out."""

import dataclasses

import pytest

from pellucid import plugins
from pellucid.config import task
from pellucid.config.resolution import ConfigError, resolve

TASKS = {
    "single_label": {},
    "multi_label": {"task": "multi_label", "labels": ["a", "b"]},
    "regression": {"task": "regression"},
}


@pytest.fixture
def plan(tmp_path):
    """Resolve one experiment of a task."""
    file = tmp_path / "data.csv"
    file.write_text("t1,t2,a,b\n1,2,0,1\n")

    def resolved(task, training=(), model=(), **settings):
        dataset = {"source": "table", "file": str(file), **TASKS[task]}
        entry = {"dataset": dataset, "model": {"architecture": "gap_cnn", **dict(model)}, "training": dict(training)}
        return resolve({"run": ["one"], "experiments": {"one": entry | settings}})

    return resolved


@pytest.mark.parametrize(
    ("task", "loss"), [("single_label", "crossentropy"), ("multi_label", "crossentropy"), ("regression", "mse")]
)
def test_the_loss_is_that_of_the_task(plan, task, loss):
    assert plan(task).experiments["one"]["training"]["loss"] == loss


FITTING = [
    (
        "multi_label",
        {"loss": "focal", "monitor": "val_macro_auroc", "class_weights": "balanced", "label_smoothing": 0.1},
    ),
    ("regression", {"loss": "huber", "monitor": "val_mae"}),
    ("regression", {"loss": "mae"}),
    ("regression", {"recipe": "few_examples"}),
    ("multi_label", {"recipe": "few_examples"}),
]


@pytest.mark.parametrize(("task", "training"), FITTING)
def test_what_fits_is_taken(plan, task, training):
    resolved = plan(task, training).experiments["one"]["training"]
    assert {key: resolved[key] for key in training if key != "recipe"} == {
        key: value for key, value in training.items() if key != "recipe"
    }
    if "recipe" in training:
        assert resolved["label_smoothing"] == (0 if task == "regression" else 0.1)


WRONG = [
    ("single_label", {"loss": "mse"}, "loss: found mse, and data of the task single_label; expected one of crossentropy, focal"),
    ("multi_label", {"loss": "mae"}, "loss: found mae, and data of the task multi_label"),
    ("regression", {"loss": "crossentropy"}, "expected one of mse, mae, huber"),
    ("single_label", {"monitor": "val_mae"}, "monitor: found val_mae, and data of the task single_label"),
    ("single_label", {"monitor": "val_macro_auroc"}, "monitor: found val_macro_auroc"),
    ("multi_label", {"monitor": "val_accuracy"}, "expected one of val_loss, val_macro_auroc"),
    ("regression", {"monitor": "val_balanced_accuracy"}, "expected one of val_loss, val_mae"),
    ("regression", {"label_smoothing": 0.1}, "label_smoothing: found 0.1, and data of the task regression"),
    ("regression", {"class_weights": "balanced"}, "class_weights: found balanced, and data of the task regression"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "training", "message"), WRONG)
def test_what_does_not_fit_is_refused(plan, task, training, message):
    with pytest.raises(ConfigError) as told:
        plan(task, training)
    (fault,) = told.value.faults
    assert fault.startswith(f"experiments.one.training.{next(iter(training))}: found ")
    assert message in fault


def test_published_weights_as_they_are_say_nothing_of_labels():
    experiment = {"model": {"architecture": "application", "weights": "w.h5", "classes": []}, "training": {"epochs": 0}}
    (fault,) = task.published_faults(experiment, "multi_label", "experiments.one")
    assert fault.startswith("experiments.one.training.epochs: found 0, and published weights for classes")
    assert task.published_faults(experiment, "single_label", "experiments.one") == []
    assert task.published_faults(experiment | {"training": {"epochs": 3}}, "multi_label", "experiments.one") == []


@pytest.mark.parametrize(
    ("key", "package", "name"),
    [("methods", "explain", "saliency"), ("views", "views", "filters"), ("scores", "score", "form")],
)
def test_what_a_task_has_not_is_left_out_or_refused(plan, monkeypatch, key, package, name):
    module = plugins.load(package)[name]
    monkeypatch.setattr(module, "SPEC", dataclasses.replace(module.SPEC, tasks=("single_label",)))
    left_out = plan("regression")
    assert name not in left_out.experiments["one"][key]
    assert left_out.skipped["one"][name] == "the data are of the task regression"
    assert name in plan("single_label").experiments["one"][key]
    with pytest.raises(
        ConfigError, match=f"{key}.{name}: found .* for the task single_label; the data are of the task"
    ):
        plan("regression", **{key: [name]})
