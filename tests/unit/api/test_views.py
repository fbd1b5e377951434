"""`pellucid.view` gives what the rule of a view gives, byte for byte, and says what is missing."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid
from pellucid import files, plugins
from pellucid.views.run import run

PARAMETERS = {
    "activation_maximisation": {"steps": 2},
    "concept_parts": {"concepts": 2, "shown": 1, "examples": 20, "points": 4, "designs": 8},
    "tcav": {"concepts": {"a two": {"label": "2"}}, "counterparts": 1, "draws": 5},
}


@pytest.fixture(scope="module")
def model():
    import keras

    keras.utils.set_random_seed(4)
    layers = [
        keras.Input((12, 12, 1)),
        keras.layers.Conv2D(4, 3, activation="relu", bias_initializer="normal", name="maps"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
    return keras.Sequential(layers)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    x = rng.random((60, 12, 12, 1)) * 0.3
    for label, place in ((1, 2), (2, 6)):
        x[labels == label, place : place + 4, place : place + 4] += 1
    return x.astype(np.float32), labels


def views():
    return sorted(plugins.load("views"))


@pytest.mark.parametrize("name", views())
def test_the_arrays_are_those_of_the_rule(model, data, name, tmp_path):
    x, labels = data
    parameters = PARAMETERS.get(name, {})
    found = pellucid.view(
        model,
        x[:12],
        name,
        y=labels[:12],
        training=x[12:],
        training_y=labels[12:],
        class_names=["0", "1", "2"],
        seed=5,
        **parameters,
    )
    written = by_rule(model, data, name, found, tmp_path)
    assert set(found.arrays) == set(written)
    for key in written.keys() - {"seconds"}:
        np.testing.assert_array_equal(found.arrays[key], written[key], err_msg=key)
    assert (found.table is None) == ("csv" not in plugins.spec("views", name).texts)
    found.save(tmp_path / "view.png")
    assert (tmp_path / "view.png").stat().st_size > 2000


def by_rule(model, data, name, found, folder):
    """Return the arrays that the rule of the view writes for the same model and examples."""
    x, labels = data
    spec = plugins.spec("views", name)
    model.save(folder / "model.keras")
    files.write_json(folder / "data.json", found.data_info)
    as_seen = pellucid.explain(model, x[:12], "input_magnitude", y=labels[:12]).arrays
    kept = ("indices", "inputs", "labels", "predictions", "probabilities", "targets")
    examples = {key: as_seen[key] for key in kept}
    contents = {
        "examples": examples,
        "x_train": x[12:],
        "x_test": x[:12],
        "labels": {"train": labels[12:], "test": labels[:12]},
        "predictions": {"probabilities": examples["probabilities"]},
        "truth": {},
        "groups": {},
        "measured": {},
    }
    sources = {}
    for source, place in spec.sources().items():
        sources[source] = folder / place.replace("/", "_")
        write = files.write_array if place.endswith(".npy") else files.write_arrays
        write(sources[source], contents[source])
    run(
        view=name,
        variant=name,
        parameters=found.parameters,
        model=folder / "model.keras",
        data_info=folder / "data.json",
        sources=sources,
        seed=5,
        threads=1,
        memory_mb=1024,
        arrays=folder / "view.npz",
        cost=folder / "cost.json",
        texts={suffix: folder / f"view.{suffix}" for suffix in spec.texts},
    )
    return files.read_arrays(folder / "view.npz")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("counterfactual", {}, 'Did you mean "counterfactuals"?'),
        ("counterfactuals", {}, "it needs training examples and their answers"),
        ("maximal_activations", {}, "it needs the true answers of x"),
        ("feature_maps", {"layer": "mops"}, "maps"),
        ("tcav", {"concepts": {"c": {"examples": "nowhere.npy"}}}, "nowhere.npy"),
    ],
)
def test_says_what_is_missing(model, data, name, arguments, message):
    x, labels = data
    if name == "tcav":
        arguments = {**arguments, "y": labels[:12], "training": x[12:], "training_y": labels[12:]}
    with pytest.raises(pellucid.InputError) as refused:
        pellucid.view(model, x[:12], name, **arguments)
    assert message in str(refused.value)


def test_a_function_has_no_inside(data):
    with pytest.raises(pellucid.InputError, match="it looks inside of a model"):
        pellucid.view(lambda batch: batch[:, :3, 0, 0], data[0][:4], "filters")


NAMES = ["NA", "01", "=1+1"]


@pytest.mark.parametrize("name", ["counterfactuals", "training_influence", "embedding", "tcav", "concept_parts"])
def test_names_in_a_table_are_those_that_were_written(model, data, name):
    x, labels = data
    parameters = (
        {"concepts": {"001": {"label": "01"}}, "counterparts": 1, "draws": 5}
        if name == "tcav"
        else PARAMETERS.get(name, {})
    )
    found = pellucid.view(
        model, x[:12], name, y=labels[:12], training=x[12:], training_y=labels[12:], class_names=NAMES, **parameters
    ).table
    words = plugins.spec("views", name).words
    assert {"output", "class"} & {*words}
    for column in words:
        assert {*found[column]} <= {*NAMES, "", "all", "001", *found.get("layer", [])}, column
    assert {*found[next(word for word in words if word in ("class", "output"))]} & {"NA", "01"}
    if name == "tcav":
        assert {*found["concept"]} == {"001"}
