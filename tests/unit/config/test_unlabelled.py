"""Examples without labels, and a model that is taken as it is: what runs, what is left out, and what is refused."""

import re

import numpy as np
import pytest

from pellucid.config import evaluation_files, experiment_files, resolution
from pellucid.config.resolution import ConfigError
from tests.support import keras_archives


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ten")
    np.save(folder / "ten.npy", np.random.default_rng(0).random((10, 40, 1), np.float32))
    keras_archives.write(folder / "model.keras")
    return folder


def settings(folder, **changes):
    entry = {
        "dataset": {"source": "table", "file": str(folder / "ten.npy"), "label": "none"},
        "model": {"architecture": "keras_file", "file": str(folder / "model.keras"), "classes": ["no", "yes"]},
        "split": "none",
        "training": {"epochs": 0},
    }
    return entry | changes


def resolve(folder, **changes):
    digits = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}
    content = {"run": ["ten", "digits"], "experiments": {"ten": settings(folder, **changes), "digits": digits}}
    return resolution.resolve(content)


def test_what_needs_labels_is_left_out_with_one_line_each(folder):
    config = resolve(folder)
    reasons = config.skipped["ten"]
    for name in ("embedding", "prototypes", "activation_maximisation", "maximal_activations", "pruning"):
        assert reasons[name] == "the data have no labels"
    assert {"occlusion", "grad_cam"} <= set(config.experiments["ten"]["methods"])
    assert "deletion_insertion" in config.experiments["ten"]["scores"]
    lines = experiment_files.notes(config)
    assert sum(line.startswith("ten: the evaluation") and "have no labels" in line for line in lines) == 1
    assert not any("guess" in line for line in lines)


def test_no_file_of_an_evaluation_is_made(folder):
    config = resolve(folder)
    made = [*experiment_files.figures(config, "ten"), *experiment_files.recorded(config, "ten")]
    made += evaluation_files.evaluation(config, "ten")
    assert [path for path in made if "/evaluation/" in path] == ["results/ten/evaluation/predictions.csv"]
    of_digits = [*experiment_files.figures(config, "digits"), *evaluation_files.evaluation(config, "digits")]
    assert "results/digits/evaluation/confusion_matrix.png" in of_digits
    assert "results/digits/evaluation/metrics.json" in of_digits


def test_every_experiment_is_evaluated_or_predicted_and_none_both(folder):
    config = resolve(folder)
    patterns = evaluation_files.of_task(config, "single_label"), evaluation_files.without_labels(config)
    for name, wanted in (("ten", [False, True]), ("digits", [True, False]), ("tens", [True, False])):
        fits = [re.fullmatch(f"results/(?P<experiment>{pattern})/x", f"results/{name}/x") for pattern in patterns]
        assert [match is not None for match in fits] == wanted, name


def test_the_outputs_are_named_by_the_user_or_by_number(folder):
    assert experiment_files.output_classes(resolve(folder), "ten") == ["no", "yes"]
    model = {"architecture": "keras_file", "file": str(folder / "model.keras")}
    config = resolve(folder, model=model)
    assert experiment_files.output_classes(config, "ten") == ["output 0", "output 1"]
    assert "ten: the outputs of the model have no names here; model.classes names them." in experiment_files.notes(
        config
    )


LABELLED = {"source": "synthetic_series"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"split": {"test": 0.5}}, r"ten.split: found shares, and examples without labels; expected none"),
        ({"training": {"epochs": 2}}, r"ten.split: found none, and 2 epochs of training; expected shares, or training"),
        ({"examples": {"target": "true"}}, r'examples.target: found "true", and examples without labels'),
        ({"examples": {"choose": "wrong"}}, r"examples.choose: found a choice by class, .* expected first"),
        ({"examples": {"per_class": 2}}, r"examples.per_class: found a choice by class, .* expected first"),
        ({"views": {"embedding": {}}}, r"views.embedding: found a view that needs labels; the data have no labels"),
        ({"sweep": {"seed": [1, 2]}}, r"found a study of examples without labels; expected labels"),
        ({"sweep": {"split.fold": [0]}}, r"ten.split: found none, and a sweep over shares"),
        ({"split": "nothing"}, r'ten.split: found "nothing" \(a text\); expected none, or a mapping'),
        (
            {
                "dataset": {"source": "synthetic_series"},
                "model": {"architecture": "gap_cnn"},
                "training": {"epochs": 1},
            },
            r"ten.split: found none, and 1 epochs of training",
        ),
    ],
)
def test_what_contradicts_it_is_refused(folder, changes, told):
    with pytest.raises(ConfigError, match=told):
        resolve(folder, **changes)


def test_labelled_examples_need_no_split_either(folder):
    entry = {
        "dataset": {"source": "synthetic_series"},
        "model": {"architecture": "gap_cnn"},
        "split": "none",
        "training": {"epochs": 0},
    }
    config = resolution.resolve({"run": ["a"], "experiments": {"a": entry}})
    assert config.experiments["a"]["split"] == "none"
    assert config.skipped["a"]["prototypes"] == "split is none"
    assert "results/a/evaluation/metrics.json" in evaluation_files.evaluation(config, "a")
