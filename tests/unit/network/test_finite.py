"""Models whose weights or answers are no numbers: told by layer, example or step, before anything is scored."""

from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import files
from pellucid.compare import checks
from pellucid.errors import InputError
from pellucid.explain.run import run
from pellucid.models import keras_file
from pellucid.models.imported import declared_sizes
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import ScoreResult
from pellucid.score.run import _require_no_infinity
from pellucid.train import loss_faults
from tests.support import keras_archives, prepared

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def made(keras, function, shape=(6, 1), dense="dense"):
    """A model whose first layer is an operation that is not defined everywhere."""
    image = keras.Input(shape)
    hidden = keras.layers.Flatten()(keras.layers.Conv1D(2, 3, name="conv", padding="same")(function(image)))
    return keras.Model(image, keras.layers.Dense(2, name=dense)(hidden))


def inputs(*lows):
    """One example for each number, which is its lowest value."""
    return np.stack([np.linspace(low, 1, 6, dtype=np.float32)[:, np.newaxis] for low in lows])


def test_an_answer_of_nan_is_told_by_its_example_and_layer(keras):
    model = ExplainedModel(made(keras, keras.ops.log))
    assert np.isfinite(model.logits(inputs(0.1, 0.2))).all()
    for ask in (model.logits, model.scores, model.probabilities, lambda x: model.score(x, np.zeros(len(x), np.int64))):
        with pytest.raises(InputError, match='input 2: found NaN .* layer "log'):
            ask(inputs(0.1, 0.2, -1, 0.5))
    assert np.isnan(model.scores(inputs(-1), called="")).all()


def test_so_is_one_of_a_nested_model_and_one_that_overflows(keras):
    inner = made(keras, lambda x: keras.ops.exp(1000 * x), dense="inner_dense")
    image = keras.Input((6, 1))
    model = ExplainedModel(keras.Model(image, keras.layers.Dense(2, name="last")(inner(image))))
    with pytest.raises(InputError, match='test example 1: found (infinity|NaN) .* layer "exp'):
        model.logits(inputs(0, 0.5)[:, :, :] * np.array([0.01, 1], np.float32)[:, None, None], called="test example")


def test_a_gradient_of_nan_is_told_where_the_scores_are_finite(keras):
    model = ExplainedModel(made(keras, keras.ops.sqrt))
    x, target = inputs(0.1, 0), np.array([0, 0])
    assert np.isfinite(model.score(x, target)).all()
    assert np.isfinite(model.gradient(x[:1], target[:1])).all()
    with pytest.raises(InputError, match='input 1: found (NaN|infinity) in the gradient .* layer "sqrt'):
        model.gradient(x, target)


def explain(tmp_path, model, x, method="gradient_input"):
    model.save(tmp_path / "model.keras")
    files.write_arrays(tmp_path / "examples.npz", {"inputs": x, "targets": np.arange(len(x)) % 2})
    paths = {name: tmp_path / f"{name}.{end}" for name, end in (("cost", "json"), ("checks", "json"))}
    paths["attributions"] = tmp_path / "attributions.npz"
    run(
        method=method, parameters={}, model=tmp_path / "model.keras", examples=tmp_path / "examples.npz", seed=0,
        threads=1, memory_mb=100, **paths,
    )  # fmt: skip


def test_a_model_that_is_not_defined_far_from_the_data_is_explained(keras, tmp_path):
    explain(tmp_path, made(keras, keras.ops.log), inputs(0.1, 0.2, 0.4))
    assert np.isfinite(files.read_arrays(tmp_path / "attributions.npz")["attributions"]).all()


def test_one_that_is_not_defined_for_an_example_is_not(keras, tmp_path):
    with pytest.raises(InputError, match='explained example 1: found NaN .* layer "log'):
        explain(tmp_path, made(keras, keras.ops.log), inputs(0.1, -0.2, 0.4))
    assert not (tmp_path / "attributions.npz").exists()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_told_by_their_layer(keras, tmp_path, value):
    model = made(keras, keras.ops.relu)
    kernel, bias = model.get_layer("dense").get_weights()
    kernel[3, 1] = value
    model.get_layer("dense").set_weights([kernel, bias])
    model.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match='model.keras: found (NaN|infinity) among the weights of layer "dense"'):
        keras_file.build((6, 1), 2, file=tmp_path / "model.keras")


def batches(x, size=2):
    class Batches(list):
        order, size = np.arange(len(x))[::-1], 2

    return Batches((x[Batches.order[start : start + size]],) for start in range(0, len(x), size))


def test_a_loss_of_nan_is_told_by_the_example_or_else_by_the_step(keras):
    model = made(keras, keras.ops.log)
    fitted = batches(inputs(0.1, -1, 0.2, 0.3))
    loss_faults.require_step(0, 1, {"loss": 0.5}, fitted, lambda: model)
    with pytest.raises(InputError, match='training example 1: found NaN .* layer "log'):
        loss_faults.require_step(0, 1, {"loss": np.nan}, fitted, lambda: model)
    with pytest.raises(InputError, match=r"epoch 3, step 1: found a loss of nan.*learning_rate"):
        loss_faults.require_step(2, 0, {"loss": np.nan}, fitted, lambda: model)


def test_so_is_one_of_the_validation_examples_and_weights_that_have_become_nan(keras):
    model = made(keras, keras.ops.log)
    loss_faults.require_epoch(0, {"loss": 0.5}, model, batches(inputs(0.1, -1)))
    with pytest.raises(InputError, match="validation example 2: found NaN"):
        loss_faults.require_epoch(0, {"val_loss": np.nan}, model, batches(inputs(0.1, 0.4, -1, 0.3)))
    model.get_layer("conv").set_weights([np.full((3, 1, 2), np.nan), np.zeros(2)])
    with pytest.raises(InputError, match='epoch 1: found NaN among the weights of layer "conv"'):
        loss_faults.require_epoch(0, {"val_loss": np.nan}, model, batches(inputs(0.1, 0.4)))


def test_a_model_that_is_not_evaluated_leaves_no_metrics(keras, tmp_path, digits):
    image = keras.Input((8, 8, 1))
    hidden = keras.ops.log(keras.ops.sum(image, (1, 2)) - 15)
    keras.Model(image, keras.layers.Dense(10, activation="softmax")(hidden)).save(tmp_path / "model.keras")
    model = {"architecture": "keras_file", "file": str(tmp_path / "model.keras")}
    with pytest.raises(InputError, match='(training|test) example [0-9]+: found NaN .* layer "log'):
        prepared.fit(digits, tmp_path, model, paths={"file": str(tmp_path / "model.keras")})
    assert not (tmp_path / "model").exists()


def test_layers_that_the_file_does_not_explain_are_not_built(keras, tmp_path):
    layer = keras_archives.layer
    config = keras_archives.sequential()
    config["config"]["layers"][2:3] = [
        layer("UpSampling1D", "up", size=10**9), layer("Flatten", "flat"),
    ]  # fmt: skip
    keras_archives.write(tmp_path / "model.keras", config)
    with pytest.raises(InputError, match=r"layers of [0-9,]+ weights, and a file of 28"):
        keras_file.build((8, 1), 2, file=tmp_path / "model.keras")
    config["config"]["layers"][3] = layer("GlobalAveragePooling1D", "pool")
    with pytest.raises(InputError, match='layer "up", which makes 8000000000 × 2 values'):
        declared_sizes.require_buildable(config, 28, "model")


def test_infinite_scores_are_refused_and_empty_ones_told(caplog):
    with pytest.raises(InputError, match="deletion of lime: found auc inf of explained example 1"):
        _require_no_infinity(ScoreResult({"auc": np.array([1, np.inf])}), "deletion of lime")
    _require_no_infinity(ScoreResult({"auc": np.array([np.nan, 1])}), "deletion of lime")
    assert not caplog.records
    _require_no_infinity(ScoreResult({"auc": np.full(3, np.nan)}), "deletion of lime")
    assert "any of the 3 examples" in caplog.text


def test_a_coverage_of_nothing_is_none():
    model = SimpleNamespace(n_classes=2, gradient=lambda x, target: np.zeros_like(x))
    case = SimpleNamespace(model=model, inputs=inputs(0, 1), others={}, seed=0)
    assert checks.coverage(SimpleNamespace(re_explain=lambda x, target: x, domain="time"), case) is None
