"""Several labels and measured values from a table to the page and the record: what is planted is found and told."""

from __future__ import annotations

import csv
import json
import sqlite3

import numpy as np
import pytest

from pellucid import files, tables
from pellucid.targets import contrast
from tests.support import tiny

pytestmark = pytest.mark.slow

TIME, CENTRES = 48, (10, 24, 38)
LABELS = ["early", "mid $x$", "late"]


def write_tables(folder):
    """Series with bumps at three places, each for a label; the age rises by 12 and 8 years with the first two."""
    rng = np.random.default_rng(0)
    has = rng.random((240, 3)) < [0.5, 0.4, 0.3]
    bumps = np.exp(-0.5 * ((np.arange(TIME) - np.array(CENTRES)[:, np.newaxis]) / 2) ** 2)
    x = 0.2 * rng.normal(size=(240, TIME)) + 2 * has @ bumps
    age = 40 + has @ [12, 8, 0] + rng.normal(0, 0.5, 240)
    signal = [f"s{place}" for place in range(TIME)]
    for name, columns, answers in (("labels", LABELS, has.astype(int)), ("ages", ["age"], age[:, np.newaxis])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*signal, *columns])
            writer.writerows([*row.round(4), *answer] for row, answer in zip(x, answers.tolist(), strict=True))


def configuration():
    labels = {"source": "table", "file": "labels.csv", "task": "multi_label", "labels": LABELS}
    ages = {"source": "table", "file": "ages.csv", "task": "regression", "values": ["age"], "units": ["years"]}
    network = {"architecture": "heartbeat_cnn"}
    contrasts = {"target": {"why": "predicted", "not": "late"}}
    return {
        "run": ["labels", "contrast", "ages"],
        "defaults": {
            "training": {"epochs": 10, "batch_size": 16},
            "examples": {"per_class": 2, "choose": "any"},
            "methods": {"occlusion": {"window": 6, "stride": 3}, "gradient_input": {}},
            "scores": {"deletion_insertion": {}},
        },
        "experiments": {
            "labels": {"title": "Three labels", "dataset": labels, "model": network},
            "contrast": {"title": "Why this label", "dataset": labels, "model": network, "examples": contrasts},
            "ages": {"title": "Ages", "dataset": ages, "model": network, "training": {"epochs": 40}},
        },
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    write_tables(folder)
    tiny.write_config(folder, configuration())
    tiny.build(folder)
    return folder


def explained(built, experiment, method="occlusion"):
    return files.read_arrays(built / f"results/{experiment}/explain/{method}/attributions.npz")


def test_the_planted_labels_and_values_are_learnt_and_scored_in_their_own_terms(built):
    metrics = files.read_json(built / "results/labels/evaluation/metrics.json")
    assert metrics["macro_auroc"] > 0.9
    assert {"macro_auroc_low", "macro_auroc_high", "micro_auprc_low", "macro_f1_high"} <= set(metrics)
    assert set(files.read_json(built / "results/labels/evaluation/thresholds.json")) == set(LABELS)
    table = tables.read(built / "results/labels/evaluation/per_label.csv", words=("label",))
    assert table["label"].tolist() == LABELS
    assert files.read_json(built / "results/ages/evaluation/metrics.json")["r2"] > 0.5
    assert files.read_json(built / "results/ages/evaluation/chance.json")["at_chance"] is False


def test_occlusion_finds_the_place_of_each_label(built):
    arrays = explained(built, "labels")
    np.testing.assert_array_equal(arrays["targets"], arrays["labels"])
    assert arrays["answers"][np.arange(len(arrays["labels"])), arrays["labels"]].all()
    strongest = arrays["attributions"][0, :, :, 0].argmax(1)
    near = np.abs(strongest - np.array(CENTRES)[arrays["labels"]]) <= 6
    assert near.mean() >= 5 / 6


def test_a_contrast_explains_one_label_less_another(built):
    arrays = explained(built, "contrast")
    np.testing.assert_array_equal(arrays["targets"], [contrast(0, 2)] * 2 + [contrast(1, 2)] * 2)
    maps = arrays["attributions"][0, :, :, 0]
    with_late = arrays["answers"][:, 2] == 1
    late = maps[:, CENTRES[2] - 2 : CENTRES[2] + 3].mean(1)
    # Where the other label's bump is, covering it raises the difference.
    assert (late[with_late] < 0).all()


def test_the_page_and_the_record_speak_of_labels_and_values(built):
    summary = files.read_json(built / "results/labels/summary.json")
    text = json.dumps(summary, ensure_ascii=False)
    assert "3 labels: early, mid $x$ and late" in text
    assert "macro AUROC" in text
    assert "class" not in text.replace("classification", "")
    ages = json.dumps(files.read_json(built / "results/ages/summary.json"), ensure_ascii=False)
    assert "1 value: age" in ages
    assert "Mean absolute error of age" in ages
    page = (built / "results/ages/page.html").read_text(encoding="utf-8")
    assert " years, predicted " in page
    assert "early, not late (logit difference)" in (built / "results/contrast/page.html").read_text(encoding="utf-8")
    with sqlite3.connect(built / "results/mlflow/mlflow.db") as store:
        run = "select run_uuid from runs where name = ?"
        tags = dict(store.execute(f"select key, value from tags where run_uuid = ({run})", ("ages",)))
        assert tags["pellucid.task"] == "regression"
        metrics = dict(store.execute(f"select key, value from latest_metrics where run_uuid = ({run})", ("labels",)))
        assert {"macro_auroc", "macro_auprc", "macro_f1", "hamming_loss", "subset_accuracy"} <= set(metrics)
        name = "contrast · occlusion"
        tags = dict(store.execute(f"select key, value from tags where run_uuid = ({run})", (name,)))
        assert tags["pellucid.target"] == "predicted, not late"


def test_a_name_that_the_data_do_not_have_is_refused_before_any_training(built):
    content = configuration()
    content["run"], content["experiments"]["ages"]["dataset"]["values"] = ["ages"], ["a?e"]
    content["experiments"]["ages"]["examples"] = {"target": "aged"}
    tiny.write_config(built, content)
    refused = tiny.snakemake(built, "--cores", "1", "results/ages/examples.npz", "--forcerun", "preprocess")
    assert refused.returncode != 0
    assert 'examples.target: found "aged"; expected the name of a value: age. Did you mean "age"?' in refused.stderr
