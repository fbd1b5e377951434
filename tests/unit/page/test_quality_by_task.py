"""What the page says of models of several labels and of values, and of their examples."""

import numpy as np
import pandas as pd

from pellucid import files, tables
from pellucid.evaluate import by_task
from pellucid.page import example_facts, quality_by_task, summary
from pellucid.targets import contrast

NAMES = ["NORM", "MI", "HYP"]


def labels_of(folder, rng, strength):
    """The evaluation of three labels, as the page gets it."""
    answers = (rng.random((200, 3)) < [0.5, 0.4, 0.3]).astype(np.uint8)
    logits = (rng.normal(size=(200, 3)) + np.asarray(strength) * answers).astype(np.float32)
    data = {"task": "multi_label", "classes": NAMES}
    by_task.write(folder, "multi_label", data, answers, logits, by_task.Validation(answers, logits), None)
    return told(folder, data, "per_label")


def told(folder, data, table):
    metrics, chance = (files.read_json(folder / f"{name}.json") for name in ("metrics", "chance"))
    rows = tables.read(folder / f"{table}.csv", words=("label", "value", "unit"))
    mood, lines = quality_by_task.sentences(data, metrics, chance, rows)
    return mood, " ".join(lines)


def test_labels_are_judged_by_their_auroc(tmp_path, rng):
    mood, text = labels_of(tmp_path, rng, [3, 2, 1.5])
    assert mood == "good"
    assert "It ranks NORM best" in text
    mood, text = labels_of(tmp_path, rng, [3, 2, 0])
    assert mood == "doubtful"
    assert "does not hold for every label: 1 of 3" in text
    mood, text = labels_of(tmp_path, rng, [0, 0, 0])
    assert mood == "doubtful"
    assert "better than chance" in text


def values_of(folder, true, predicted):
    data = {"task": "regression", "classes": ["age"], "units": ["years"]}
    data["value_statistics"] = {"age": {"mean": 60.0, "sd": 10.0}}
    seen = by_task.Validation(true, predicted)
    by_task.write(folder, "regression", data, true, predicted, seen, None)
    return told(folder, data, "per_value")


def test_values_are_judged_against_the_training_mean(tmp_path, rng):
    true = rng.normal(60, 10, (150, 1)).astype(np.float32)
    near = (true + rng.normal(0, 4, (150, 1))).astype(np.float32)
    mood, text = values_of(tmp_path, true, near)
    assert mood == "good"
    assert "Mean absolute error of age: 3" in text
    assert " years (95% interval " in text
    mood, text = values_of(tmp_path, true, near - 50)
    assert mood == "good"
    assert "knows the order of the values" in text
    assert values_of(tmp_path, true, np.full_like(true, 60))[0] == "doubtful"


def test_facts_of_examples_of_labels_and_values():
    chosen, apart = np.arange(3), np.array([0.5, np.nan, 0.1])
    shared = {
        "indices": np.array([7, 8, 9]),
        "labels": np.array([0, 1, 2]),
        "targets": np.array([0, contrast(1, 0), 2]),
        "predictions": np.array([1, 1, 0]),
        "answers": np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]]),
        "probabilities": np.array([[0.9, 0.2, 0.1], [0.3, 0.8, 0.6], [0.1, 0.1, 0.2]]),
    }
    data = {"task": "multi_label", "classes": NAMES}
    wrong = example_facts.are_wrong(shared, data)
    np.testing.assert_array_equal(wrong, [False, True, False])
    facts = example_facts.of_examples(shared, data, chosen, wrong, apart)
    assert [fact["explained"] for fact in facts] == ["NORM", "MI, not NORM (logit difference)", "HYP"]
    np.testing.assert_allclose([fact["p_true"] for fact in facts], [0.9, 0.2, 0.8])
    assert facts[1]["told"] == "label MI: 0.80 (lacks it, predicted)"
    assert facts[1]["disagreement"] is None
    del shared["probabilities"]
    shared |= {"predictions": np.float32([62, 50, 71]), "answers": np.full((3, 3), 60, np.float32)}
    statistics = {name: {"sd": 10.0} for name in NAMES}
    data = {"task": "regression", "classes": NAMES, "units": [], "value_statistics": statistics}
    facts = example_facts.of_examples(shared, data, chosen, example_facts.are_wrong(shared, data), apart)
    np.testing.assert_allclose([fact["error"] for fact in facts], [0.2, 1, 1.1])
    assert all(fact["wrong"] is None and fact["p"] is None for fact in facts)


def test_the_summary_counts_examples_and_not_labels():
    data = {"task": "multi_label", "classes": NAMES, "title": "ECGs", "groups": {}, "shape": [10, 1], "unit": "mV"}
    data |= {"channels": ["I"], "kind": "series", "sampling_rate_hz": None, "scale": "none"}
    data |= {"examples": {"train": 70, "test": 30}, "counts": {"train": dict.fromkeys(NAMES, 60)}}
    text = " ".join(summary.data_sentences(data))
    assert (
        "70 training and 30 test examples of 3 labels: NORM, MI and HYP. Each example has any number of them." in text
    )


def test_a_table_without_an_auroc_names_no_best_label():
    metrics = {"test_examples": 3, "subset_accuracy": 0.5, "hamming_loss": 0.1, "labels": 1}
    metrics |= dict.fromkeys(("macro_auroc", "macro_auprc", "macro_f1"))
    table = pd.DataFrame({"label": ["NORM"], "auroc": [np.nan]})
    mood, lines = quality_by_task.sentences({"task": "multi_label"}, metrics, {"at_chance": None}, table)
    assert mood == "unknown"
    assert "macro AUROC is undefined" in " ".join(lines)
