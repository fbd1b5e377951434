"""A thousand classes and a handful of examples: tables and figures hold what occurs, and stay readable."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from pellucid.draw import data as draw_data
from pellucid.draw.evaluation import draw_confusion
from pellucid.draw.explanation import draw as draw_explanation
from pellucid.evaluate.run import evaluate, softmax
from pellucid.train.compile import class_weights
from pellucid.views.shared.maps import per_class
from tests.support import prepared
from tests.support.prepared import choose

CLASSES = [f"class {number}" for number in range(1000)]


@pytest.fixture(scope="module")
def evaluated(keras, tmp_path_factory):
    """Twelve examples of the classes 3 and 700, and a linear model of a thousand classes."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(0)
    x, y = rng.random((12, 4, 4, 3), np.float32), np.repeat([3, 700], 6)
    files.write_array(folder / "data/x_test.npy", x)
    files.write_arrays(folder / "data/labels.npz", {"test": y, "train": y})
    files.write_arrays(folder / "data/truth.npz", {})
    files.write_arrays(folder / "data/measured.npz", {})
    files.write_json(folder / "data/data.json", {"classes": CLASSES, "kind": "image", "channels": ["r", "g", "b"]})
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(1000, activation="softmax")]
    model = keras.Sequential(layers)
    kernel, bias = model.layers[-1].get_weights()
    bias[3] = 1  # so that some examples are right
    model.layers[-1].set_weights([kernel, bias])
    model.save(folder / "model.keras")
    tested = prepared.tested(folder / "data")
    evaluate(**tested, model=folder / "model.keras", threads=1, memory_mb=64, folder=folder / "evaluation")
    return folder


def test_tables_hold_the_classes_that_occur(evaluated):
    found = files.read_arrays(evaluated / "evaluation/predictions.npz")
    labels, predicted = found["labels"], found["probabilities"].argmax(1)
    occur = [CLASSES[number] for number in np.unique([*labels, *predicted])]
    confusion = pd.read_csv(evaluated / "evaluation/confusion_matrix.csv", index_col=0)
    assert list(confusion.index) == list(confusion.columns) == occur
    assert confusion.to_numpy().sum() == 12
    per_class_table = pd.read_csv(evaluated / "evaluation/per_class.csv")
    assert list(per_class_table["class"]) == occur
    metrics = files.read_json(evaluated / "evaluation/metrics.json")
    assert metrics["classes"] == 1000
    assert metrics["classes_that_occur"] == len(occur)
    # Few enough to be recorded one by one.
    assert len(metrics) < 15


def test_top_five_are_those_of_scikit_learn(evaluated):
    from sklearn.metrics import top_k_accuracy_score

    found = files.read_arrays(evaluated / "evaluation/predictions.npz")
    expected = top_k_accuracy_score(found["labels"], found["probabilities"], k=5, labels=np.arange(1000))
    assert files.read_json(evaluated / "evaluation/metrics.json")["top_5_accuracy"] == pytest.approx(expected)
    table = pd.read_csv(evaluated / "evaluation/predictions.csv")
    assert len(table.columns) == 15
    np.testing.assert_array_equal(table["top_1"], table["predicted"])
    best = np.sort(softmax(found["logits"]), axis=1)[:, ::-1][:, :5]
    np.testing.assert_allclose(table[[f"p_top_{place}" for place in range(1, 6)]], best)


def test_the_matrix_says_how_many_classes_it_leaves_out(evaluated, tmp_path):
    def drawn(table, metrics):
        picture = tmp_path / "confusion.svg"
        draw_confusion(table=table, metrics=metrics, title="Many", pictures=[str(picture)])
        return picture.read_text()

    few = drawn(evaluated / "evaluation/confusion_matrix.csv", evaluated / "evaluation/metrics.json")
    assert " of 1,000 classes: those that occur" in few
    # A diagonal of 60 classes, of which the first 40 are the more frequent.
    counts = np.diag([2] * 40 + [1] * 20)
    names = [f"n{number}" for number in range(60)]
    pd.DataFrame(counts, index=names, columns=names).to_csv(tmp_path / "many.csv")
    files.write_json(tmp_path / "many.json", {"accuracy": 1.0, "balanced_accuracy": 1.0, "classes": 1000})
    many = drawn(tmp_path / "many.csv", tmp_path / "many.json")
    assert "40 of 1,000 classes: the most frequent of 60 that occur" in many
    assert ">n39<" in many
    assert ">n40<" not in many


def test_only_classes_that_are_there_are_missed(evaluated, tmp_path, caplog):
    with caplog.at_level("WARNING"):
        choose(tmp_path / "examples.npz", evaluated / "data", evaluated / "evaluation/predictions.npz", per_class=7)
    assert [record.args[1] for record in caplog.records] == ['"class 3"', '"class 700"']


def test_the_figure_names_the_five_most_probable(evaluated, tmp_path):
    choose(tmp_path / "examples.npz", evaluated / "data", evaluated / "evaluation/predictions.npz", target="true")
    given = files.read_arrays(tmp_path / "examples.npz")
    maps = np.ones((1, *given["inputs"].shape), np.float32)
    files.write_arrays(tmp_path / "maps.npz", {**given, "attributions": maps, "variants": np.array(["saliency"])})
    draw_explanation(
        method="saliency",
        variant="saliency",
        parameters={"mode": "absolute"},
        title="Many",
        data=evaluated / "data/data.json",
        attributions=tmp_path / "maps.npz",
        pictures=[str(tmp_path / "maps.svg")],
    )
    drawn = (tmp_path / "maps.svg").read_text()
    for label, p in zip(given["labels"], given["probabilities"], strict=True):
        assert f"true: {CLASSES[label]}" in drawn
        for one in np.argsort(-p)[:5]:
            assert f"{CLASSES[one]} {p[one]:.1%}" in drawn


def test_of_many_classes_twenty_are_drawn(tmp_path):
    labels = np.arange(30)
    counts = {"train": {name: int(number < 30) for number, name in enumerate(CLASSES)}}
    files.write_json(
        tmp_path / "data.json", {"classes": CLASSES, "kind": "image", "channels": ["r", "g", "b"], "counts": counts,
        "sampling_rate_hz": None, "unit": "intensity"},
    )  # fmt: skip
    files.write_array(tmp_path / "x.npy", np.random.default_rng(0).random((30, 4, 4, 3), np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": labels})
    draw_data.draw(
        data=tmp_path / "data.json",
        x=tmp_path / "x.npy",
        labels=tmp_path / "labels.npz",
        title="Many",
        pictures=[str(tmp_path / "data.svg")],
    )
    drawn = (tmp_path / "data.svg").read_text()
    assert "20 of 30 classes" in drawn
    assert "class 19 (1)" in drawn
    assert "class 20 (1)" not in drawn
    assert len(per_class(labels, 2)) == 20


def test_balanced_weights_are_shared_by_the_classes_that_are_there():
    few = class_weights({"a": 30, "b": 10}, "balanced")
    many = class_weights({"a": 30, "b": 10, **dict.fromkeys(CLASSES, 0)}, "balanced")
    np.testing.assert_array_equal(few, many[:2])
    np.testing.assert_allclose(few, [40 / 60, 40 / 20])
