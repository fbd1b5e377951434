"""What must not change: the order of a model's outputs, classes that the data lack, and how a range is spelled."""

import itertools
import logging

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid import files
from pellucid.errors import InputError
from pellucid.evaluate import class_order
from pellucid.evaluate.run import evaluate
from pellucid.models.imported import own_keys
from pellucid.train import input_scale
from tests.support import own_models, prepared, tiny

CLASSES = ["normal", "atrial", "ventricular", "other"]
SAMPLES, WORK = 16, {"threads": 1, "memory_mb": 64}
UNHURRIED = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def series(classes, count, seed=0):
    """Noise with a bump at the place of the class, and the names of the classes."""
    rng = np.random.default_rng(seed)
    y = np.repeat(classes, count)
    x = rng.normal(0, 0.2, (len(y), SAMPLES, 1)).astype(np.float32)
    for row, name in enumerate(y):
        x[row, 4 * CLASSES.index(name) : 4 * CLASSES.index(name) + 3] += 1
    return x, y


def detector(keras, order=CLASSES, activation="softmax"):
    """A network whose outputs are the classes in an order, made by hand: it looks where each has its bump."""
    layers = keras.layers
    dense = layers.Dense(len(order), activation=activation, name="scores")
    model = keras.Sequential(
        [keras.Input((SAMPLES, 1)), layers.Conv1D(1, 3, padding="same", activation="relu"), layers.Flatten(), dense]
    )
    kernel = np.zeros((SAMPLES, len(order)), np.float32)
    for output, name in enumerate(order):
        kernel[4 * CLASSES.index(name) : 4 * CLASSES.index(name) + 3, output] = 3
    model.set_weights([np.full((3, 1, 1), 0.3, np.float32), np.zeros(1, np.float32), kernel, np.zeros(len(order))])
    return model


def table(folder, name, x, y):
    np.savez(folder / f"{name}.npz", x=x, y=y)
    return str(folder / f"{name}.npz")


def prepare(folder, train, test=None, classes=(), **dataset):
    """Write data of (x, y) pairs as the stage does."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {"file": table(folder, "train", *train)} | ({"test": table(folder, "test", *test)} if test else {})
    entry = {"source": "table", **paths, **dataset}
    entry |= {f"{name}_sha256": "none" for name in paths}
    return prepared.prepare(folder / "data", entry, paths=paths, classes=classes)


def taken(folder, data, model, epochs=0, **keys):
    """Train and evaluate a model file; its metrics, and what `evaluate` wrote."""
    model.save(folder / "own.keras")
    entry = {"architecture": "keras_file", "file": str(folder / "own.keras"), "file_sha256": "none", **keys}
    recipe = {"epochs": epochs, "batch_size": 16, "class_weights": "balanced"}
    prepared.fit(data, folder, entry, recipe, paths={"file": str(folder / "own.keras")})
    place = folder / "evaluation"
    evaluate(
        **prepared.tested(data),
        model=folder / "model" / "model.keras",
        training=folder / "model" / "training.json",
        folder=place,
        untrained=not epochs,
        **WORK,
    )
    return files.read_json(place / "metrics.json"), files.read_arrays(place / "predictions.npz")


def maps(folder, data, method, target="true", **parameters):
    """Attributions by the name of the true class of the example, and the place of the example in the test set."""
    examples = prepared.choose(folder / "examples.npz", data, folder / "evaluation" / "predictions.npz", target=target)
    model = folder / "model" / "model.keras"
    prepared.explain(folder / method, method, parameters, model=model, examples=examples)
    arrays, chosen = files.read_arrays(folder / method / "attributions.npz"), files.read_arrays(examples)
    names = [files.read_json(data / "data.json")["classes"][label] for label in chosen["labels"]]
    keys = zip(names, chosen["indices"].tolist(), strict=True)
    return dict(zip(keys, arrays["attributions"][0], strict=True))


# Which output is which class -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(keras, tmp_path_factory):
    """The model whose outputs are the classes as texts sort, without any key."""
    folder = tmp_path_factory.mktemp("plain")
    data = prepare(folder, series(CLASSES, 12))
    metrics, _ = taken(folder, data, detector(keras, sorted(CLASSES)))
    return metrics, {method: maps(folder, data, method) for method in ("saliency", "occlusion")}


@pytest.mark.parametrize("order", [CLASSES, [CLASSES[place] for place in (3, 1, 0, 2)]])
def test_permuted_outputs_give_the_same_metrics_and_the_same_maps(keras, tmp_path, plain, order):
    data = prepare(tmp_path, series(CLASSES, 12), classes=order)
    metrics, _ = taken(tmp_path, data, detector(keras, order), classes=order)
    assert metrics["accuracy"] == 1
    assert metrics == pytest.approx(plain[0], rel=1e-5)
    for method, expected in plain[1].items():
        found = maps(tmp_path, data, method)
        assert found.keys() == expected.keys()
        for key, attributions in expected.items():
            np.testing.assert_allclose(found[key], attributions, rtol=1e-4, atol=1e-6)


@settings(max_examples=8, **UNHURRIED)
@given(order=st.permutations(CLASSES), lacking=st.sets(st.sampled_from(CLASSES), max_size=3))
def test_the_labels_are_the_outputs_of_their_names_whatever_the_data_lack(tmp_path_factory, order, lacking):
    folder = tmp_path_factory.mktemp("labels")
    x, y = series([name for name in CLASSES if name not in lacking], 8)
    data = prepare(folder, (x, y), classes=order)
    data_info, labels = files.read_json(data / "data.json"), files.read_arrays(data / "labels.npz")
    assert data_info["classes"] == order
    for split, values in labels.items():
        x = files.map_array(data / f"x_{split}.npy")
        bump = x[..., 0].reshape(len(x), 4, 4)[:, :, :3].sum(2).argmax(1)
        assert [order[label] for label in values] == [CLASSES[place] for place in bump]
        assert data_info["counts"][split] == {name: int((bump == CLASSES.index(name)).sum()) for name in order}


@pytest.mark.parametrize(
    ("train", "test"), [(CLASSES[:2], CLASSES[:2]), (CLASSES[1:], CLASSES[:2]), (CLASSES[:1], CLASSES[:1])]
)
def test_classes_that_the_data_lack_stay_outputs(keras, tmp_path, train, test):
    data = prepare(tmp_path, series(train, 12), series(test, 6, seed=1), classes=CLASSES)
    metrics, predictions = taken(tmp_path, data, detector(keras), classes=CLASSES)
    assert metrics["accuracy"] == metrics["balanced_accuracy"] == 1
    assert predictions["logits"].shape == (6 * len(test), 4)
    assert "notes" not in metrics
    for target in ("true", "other"):  # which no example has
        attributions = maps(tmp_path, data, "saliency", target=target)
        assert {name for name, _ in attributions} == set(test)


def test_a_model_with_absent_classes_can_be_trained(keras, tmp_path):
    data = prepare(tmp_path, series(CLASSES[:2], 20), classes=CLASSES)
    metrics, predictions = taken(tmp_path, data, detector(keras), epochs=1, classes=CLASSES)
    assert metrics["accuracy"] == 1
    assert np.isfinite(predictions["logits"]).all()


def test_a_class_that_the_model_lacks_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="ventricular"):
        prepare(tmp_path, series(CLASSES[:3], 8), classes=CLASSES[:2])


def test_raw_labels_and_names_both_say_a_class(tmp_path):
    x, y = series(CLASSES[:3], 8)
    numbers = np.array([CLASSES.index(name) + 5 for name in y])
    names = {"5": "normal", "6": "atrial", "7": "ventricular"}
    for classes in ([7, 5, 6], ["ventricular", 5, "atrial"], ["ventricular", "normal", "atrial"]):
        data = prepare(tmp_path, (x, numbers), classes=classes, class_names=names)
        assert files.read_json(data / "data.json")["classes"] == ["ventricular", "normal", "atrial"]


def test_an_entry_that_says_two_classes_is_refused(tmp_path):
    x, y = series(CLASSES[:2], 8)
    numbers = np.array([CLASSES.index(name) for name in y])
    with pytest.raises(InputError, match=r'"0"'):
        prepare(tmp_path, (x, numbers), classes=[0, 1], class_names={"0": "1", "1": "0"})
    with pytest.raises(InputError, match=r'"normal".*"0"'):
        prepare(tmp_path, (x, numbers), classes=["normal", 0, "atrial"], class_names={"0": "normal", "1": "atrial"})


# Another order that would fit better -----------------------------------------------------------------------------


@settings(max_examples=30, **UNHURRIED)
@given(
    order=st.permutations(range(5)),
    classes=st.integers(2, 5),
    count=st.integers(5, 40),
    right=st.floats(0.75, 1),
    seed=st.integers(0, 99),
)
def test_outputs_in_another_order_are_found_and_those_in_order_are_left_alone(order, classes, count, right, seed):
    rng = np.random.default_rng(seed)
    order = np.array([place for place in order if place < classes])
    y = np.repeat(np.arange(classes), count)
    said = np.where(rng.random(len(y)) < right, y, rng.integers(classes, size=len(y)))
    assert class_order.better_order(y, said, classes) is None
    assert class_order.better_order(y, np.arange(len(y)) % count % classes, classes) is None
    assert class_order.better_order(y, np.zeros_like(y), classes) is None
    # Output order[c] is class c.
    moved = (order != np.arange(classes)).sum()
    found = class_order.better_order(y, order[said], classes)
    if moved and right > 0.95 and count >= 10:
        assert found is not None
    if found is not None:
        np.testing.assert_array_equal(found[order], np.arange(classes))


def test_a_model_in_another_order_is_told_with_its_order(keras, tmp_path, caplog):
    logging.getLogger("pellucid").propagate = True
    data = prepare(tmp_path, series(CLASSES, 12))
    metrics, _ = taken(tmp_path, data, detector(keras))
    assert metrics["accuracy"] < 0.6
    assert '["normal", "atrial", "ventricular", "other"]' in metrics["notes"][0]
    assert metrics["notes"][0] in caplog.text


@pytest.mark.slow
def test_the_workflow_tells_and_then_takes_the_order(keras, tmp_path):
    """Without the key the doubt reaches the log and the metrics; with it, and a class less in the data, nothing does."""
    detector(keras).save(tmp_path / "own.keras")
    table(tmp_path, "all", *series(CLASSES, 12))
    table(tmp_path, "some", *series(CLASSES[:3], 12))
    shared = {"training": {"epochs": 0}, "methods": {"saliency": True}, "examples": {"choose": "any", "per_class": 1}}
    model = {"architecture": "keras_file", "file": "own.keras"}
    experiments = {
        "guessed": {**shared, "dataset": {"source": "table", "file": "all.npz"}, "model": model},
        "said": {
            **shared,
            "dataset": {"source": "table", "file": "some.npz"},
            "model": {**model, "classes": CLASSES, "input_range": [0, 2]},
        },
    }
    tiny.write_config(tmp_path, {"run": list(experiments), "experiments": experiments})
    log = tiny.build(
        tmp_path, "results/guessed/evaluation/confusion_matrix.png", "results/said/explain/saliency/attributions.npz"
    )
    assert "guessed: which output" in log
    assert "said: which output" not in log
    metrics = {name: files.read_json(tmp_path / f"results/{name}/evaluation/metrics.json") for name in experiments}
    assert metrics["said"]["accuracy"] == 1
    assert "notes" not in metrics["said"]
    assert metrics["guessed"]["notes"][0] in log


# The range of the values -----------------------------------------------------------------------------------------


def scaled(keras, model, values, name="scale"):
    """A model that takes `values` where the given one takes 0 and 1."""
    low, high = values
    data = keras.Input(model.input_shape[1:])
    return keras.Model(data, model(keras.layers.Rescaling(1 / (high - low), -low / (high - low), name=name)(data)))


@pytest.mark.parametrize(("make", "values"), zip(own_models.ALL, [(0, 255), (-1, 1), (0, 1000), (1, 0)], strict=True))
def test_a_range_is_a_layer_before_the_same_model(keras, make, values, rng):
    model = own_models.with_random_weights(own_models.ALL[make](keras))
    behind = own_keys.with_input_range(model, values, make)
    x = rng.random((3, *own_models.SHAPE)).astype(np.float32)
    expected = np.asarray(model(np.float32(values[0]) + x * np.float32(values[1] - values[0]), training=False))
    np.testing.assert_allclose(np.asarray(behind(x, training=False)), expected, rtol=1e-4, atol=1e-5)
    assert [weight.path for weight in behind.weights] == [weight.path for weight in model.weights]
    for one, other in zip(behind.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_range_as_key_and_as_layer_gives_the_same_maps(keras, tmp_path):
    values = (-1, 254)
    order = sorted(CLASSES)
    whole, bare = tmp_path / "layer", tmp_path / "key"
    data = prepare(tmp_path, series(CLASSES, 12))
    found = []
    for folder, keys in ((whole, {}), (bare, {"input_range": list(values)})):
        folder.mkdir()
        model = detector(keras, order) if folder is whole else scaled(keras, detector(keras, order), values)
        metrics, _ = taken(folder, data, model, **keys)
        assert metrics["accuracy"] == 1
        assert "notes" not in metrics
        found.append({name: maps(folder, data, name) for name in ("gradient_input", "occlusion")})
    for method, key in itertools.product(found[0], found[0]["occlusion"]):
        np.testing.assert_allclose(found[0][method][key], found[1][method][key], rtol=1e-3, atol=1e-4)


def beginning(keras, kind):
    """Networks that begin with a scale, and the range (low, high) of the values that they are made for."""
    layers = keras.layers
    data = keras.Input((8, 8, 3))
    if kind == "rescaling":
        hidden, values = layers.Rescaling(1 / 255)(layers.RandomFlip()(data)), (0, 255)
    elif kind == "operations":
        hidden, values = data / 127.5 - 1, (0, 255)
    elif kind == "nested":
        inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 127.5, -1)])
        hidden, values = inner(data), (0, 255)
    elif kind == "normalization":
        hidden, values = layers.Normalization(mean=[120, 110, 100], variance=[5400, 5400, 5400])(data), (0, 255)
    elif kind == "batch norm":
        hidden, values = layers.BatchNormalization()(layers.Conv2D(4, 1)(data)), (0, 255)
    elif kind == "fractions":
        hidden, values = layers.Normalization(mean=[0.48, 0.46, 0.41], variance=[0.08, 0.08, 0.08])(data), (0, 1)
    elif kind == "from fractions":
        hidden, values = layers.Rescaling(255.0)(data), (0, 1)
    else:  # nothing is said
        hidden, values = data, None
    hidden = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(hidden))
    model = keras.Model(data, layers.Dense(2, activation="softmax")(hidden))
    if kind == "batch norm":
        x = np.random.default_rng(0).uniform(0, 255, (64, 8, 8, 3)).astype(np.float32)
        got = np.asarray(model.layers[1](x))
        gamma, beta = model.layers[2].get_weights()[:2]
        model.layers[2].set_weights([gamma, beta, got.mean((0, 1, 2)), got.var((0, 1, 2))])
    return model, values


KINDS = ["rescaling", "operations", "nested", "normalization", "batch norm", "fractions", "from fractions", "nothing"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("high", [1, 255])
def test_a_contradiction_of_scale_and_data_is_told_and_nothing_else(keras, tmp_path, kind, high, rng):
    model, values = beginning(keras, kind)
    files.write_array(tmp_path / "x_train.npy", (rng.random((20, 8, 8, 3)) * high).astype(np.float32))
    told = input_scale.contradiction(model, tmp_path / "x_train.npy", {"scale": "none"}, "model.input_range")
    assert bool(told) == (values is not None and values[1] != high)
    if told:
        assert "model.input_range" in told
    if values and values[1] != high:
        # The key that it names ends the contradiction.
        behind = own_keys.with_input_range(model, (0, values[1] / high), kind)
        assert not input_scale.contradiction(behind, tmp_path / "x_train.npy", {"scale": "none"}, "model.input_range")


@pytest.mark.parametrize(("scale", "told"), [("none", False), ("standard", True)])
def test_statistics_of_raw_series_contradict_standardised_ones(keras, tmp_path, rng, scale, told):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((20, 1)), layers.Normalization(mean=[0.2], variance=[0.25]), layers.Flatten(), layers.Dense(2)]
    )
    x = rng.normal(0.2, 0.5, (30, 20, 1))
    x = (x - x.mean()) / x.std() if scale == "standard" else x
    files.write_array(tmp_path / "x_train.npy", x.astype(np.float32))
    found = input_scale.contradiction(model, tmp_path / "x_train.npy", {"scale": scale}, "model.input_range")
    assert bool(found) == told
    assert ("preprocessing.scale" in found) == told
