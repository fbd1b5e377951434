"""What headings, units and figures say of several labels, of values and of contrasts."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files, tables
from pellucid.draw import data as data_figure
from pellucid.draw import explanation, overview, study, style, training
from pellucid.draw.shared import task_heading
from pellucid.targets import contrast

UGLY = ["=MI $x_1$", "心筋梗塞", "NORM"]


def arrays(task, shape=(20, 1)):
    """Six examples, two of each output: the first lacks its label and is predicted to have it."""
    labels = np.array([0, 0, 1, 1, 2, 2])
    rng = np.random.default_rng(0)
    made = {
        "variants": np.array(["saliency"]),
        "attributions": rng.random((1, 6, *shape), np.float32),
        "inputs": rng.normal(size=(6, *shape)).astype(np.float32),
        "labels": labels,
        "targets": labels.copy(),
        "predictions": np.array([1, 0, 1, 1, 1, 1]),
    }
    if task == "regression":
        answers = np.full((6, 3), 63.21, np.float32)
        return made | {"answers": answers, "predictions": np.full(6, 58.1, np.float32)}
    answers = np.eye(3, dtype=np.uint8)[labels]
    answers[0] = 0
    return made | {"answers": answers, "probabilities": np.full((6, 3), 0.934)}


def info(task, kind="series", channels=("I",)):
    content = {"task": task, "classes": UGLY, "units": ["years", "", "kg"], "kind": kind, "channels": list(channels)}
    return style.shown(content | {"unit": "mV", "sampling_rate_hz": None, "counts": {}})


def test_headings_of_labels():
    data, made = info("multi_label"), arrays("multi_label")
    told = [task_heading.of_answer(data, made, index) for index in (0, 1, 2)]
    assert told[0].endswith(": 0.93 (lacks it, predicted)")
    assert told[1].endswith(": 0.93 (has it, not predicted)")
    assert told[2] == "label 心筋梗塞: 0.93 (has it)"
    del made["answers"]
    made["labels"] = np.full(6, -1)
    assert task_heading.of_answer(data, made, 2) == "label 心筋梗塞: 0.93 (predicted)"


def test_headings_of_values():
    data, made = info("regression"), arrays("regression")
    assert task_heading.of_answer(data, made, 4) == "NORM: 63.2 kg, predicted 58.1"
    assert task_heading.of_answer(data, made, 2) == "心筋梗塞: 63.2, predicted 58.1"
    assert task_heading.number(-12345.6) == "−12,346"


@pytest.mark.parametrize(
    ("task", "expected"),
    [("single_label", "logit"), ("multi_label", "logit"), ("regression", "value")],
)
def test_a_contrast_is_named_with_what_is_subtracted(task, expected):
    data, made = info(task), arrays(task)
    made["targets"][4] = contrast(2, 1)
    assert task_heading.of_target(data, made, 4) == f"NORM, not 心筋梗塞 ({expected} difference)"
    assert task_heading.of_unit("share of the logit", task, made) == f"share of the {expected} difference"


def test_units_name_what_is_explained():
    for task, word in (("single_label", "logit"), ("multi_label", "label's logit"), ("regression", "predicted value")):
        assert task_heading.of_unit("drop of the logit", task, arrays(task)) == f"drop of the {word}"


@pytest.mark.parametrize("task", ["multi_label", "regression"])
@pytest.mark.parametrize(("shape", "kind"), [((20, 1), "series"), ((20, 2), "series"), ((6, 6, 1), "image")])
def test_every_layout_heads_its_panels_in_the_terms_of_the_task(tmp_path, task, shape, kind):
    data = info(task, kind, ["a", "b"][: shape[-1]])
    drawn = explanation.figure("saliency", {"mode": "absolute"}, "saliency", arrays(task, shape), data, title="T")
    titles = [axes.get_title(loc=side) for axes in drawn.axes for side in ("left", "center")]
    told = {"multi_label": "has it", "regression": "58.1"}[task]
    assert sum(told in title for title in titles) >= 5
    rows = [overview.Row("saliency", "gradient", False, arrays(task, shape)["attributions"][0])]
    of_all = overview.figure("T", data, rows, arrays(task, shape), set())
    assert f"one example of each {task_heading.word(data)}" in of_all.get_suptitle()
    style.save(of_all, tmp_path / "overview.png")


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_the_data_are_drawn_by_label_or_along_the_values(tmp_path, rng, task):
    y = (rng.random((30, 3)) < 0.5).astype(np.uint8) if task == "multi_label" else rng.normal(60, 9, (30, 3))
    counts = dict(zip(UGLY, y.sum(0).tolist(), strict=True)) if task == "multi_label" else {}
    content = {"task": task, "classes": UGLY, "units": ["years", "", ""], "kind": "series", "channels": ["I"]}
    content |= {"unit": "mV", "sampling_rate_hz": None, "counts": {"train": counts}}
    files.write_json(tmp_path / "data.json", content)
    np.save(tmp_path / "x.npy", rng.normal(size=(30, 20, 1)).astype(np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": y})
    picture = tmp_path / "data.svg"
    paths = {"data": tmp_path / "data.json", "x": tmp_path / "x.npy", "labels": tmp_path / "labels.npz"}
    data_figure.draw(**paths, title="T", pictures=[str(picture)])
    text = picture.read_text(encoding="utf-8")
    assert ("label (number of examples)" if task == "multi_label" else "value (from low to high)") in text
    if task == "regression":
        assert f"{y[:, 0].min():.3g} years" in text


@pytest.mark.parametrize(
    ("columns", "loss", "expected"),
    [
        (["loss", "label_accuracy", "val_loss", "val_macro_auroc"], "crossentropy", ("cross-entropy", "macro AUROC")),
        (["loss", "mae", "val_loss", "val_mae"], "huber", ("Huber loss", "mean absolute error")),
    ],
)
def test_the_training_is_drawn_in_the_terms_of_the_task(tmp_path, columns, loss, expected):
    tables.write(tmp_path / "history.csv", pd.DataFrame({"epoch": [1, 2], **{name: [0.5, 0.4] for name in columns}}))
    files.write_json(tmp_path / "training.json", {"best_epoch": 2, "loss": loss})
    picture = tmp_path / "history.svg"
    training.draw(
        history=tmp_path / "history.csv", training_info=tmp_path / "training.json", title="T", pictures=[str(picture)]
    )
    text = picture.read_text(encoding="utf-8")
    assert all(word in text for word in expected)
    assert "train" in text


def test_members_of_a_study_are_compared_by_the_metrics_of_their_task():
    assert study._compared(["macro_auroc", "balanced_accuracy", "log_loss"]) == ["balanced_accuracy", "log_loss"]
    assert study._compared(["macro_auroc", "macro_f1", "log_loss"]) == ["macro_auroc", "log_loss"]
    assert study._compared(["r2", "rmse_in_sd", "mae_in_sd"]) == ["r2", "mae_in_sd"]
