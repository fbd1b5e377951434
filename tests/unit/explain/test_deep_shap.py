"""Deep SHAP against closed forms, completeness, shap as its own documentation calls it, and captum."""

import warnings

import numpy as np
import pytest

from pellucid import files, plugins
from pellucid.errors import InputError
from pellucid.explain import deep_shap
from pellucid.explain.run import completeness
from pellucid.explain.shared import backgrounds
from pellucid.network.explained_model import ExplainedModel
from tests.support import prepared
from tests.support.logits import logits_copy
from tests.support.torch_copy import channels_first, channels_last, torch_copy

NETWORKS = ["heartbeat", "multivariate", "digit", "gap_series", "gap_image"]


def sample(model, rng, n=4, m=12):
    """Inputs, their targets, and training examples."""
    shape = model.input_shape[1:]
    return (
        rng.random((n, *shape), np.float32),
        np.arange(n) % model.output_shape[1],
        rng.random((m, *shape), np.float32),
    )


def with_layer(keras, *layers_, seed=5):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((12, 3)),
            layers.Conv1D(6, 3, name="first"),
            *layers_,
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


@pytest.fixture
def shap():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("shap")


def test_on_a_linear_model_it_is_weight_times_distance_from_the_mean_row(linear, rng):
    model, weights, _ = linear
    inputs, targets, training = sample(model, rng)
    found = deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training, background=12)
    exact = (inputs - training.mean(0)) * np.moveaxis(weights, -1, 0)
    np.testing.assert_allclose(found, exact, atol=1e-6)


def test_on_two_relus_worked_out_by_hand(keras, rng):
    """Units x - y and x + y - 1, logit 2 × the first - 3 × the second, at (1, 0.5) from (0, 1) and from (2, 2).

    From (0, 1): the first goes from -1 to 0.5 and its ReLU by 0.5, a slope of 1/3; the second from 0 to 0.5, slope 1.
    From (2, 2): the first from 0 to 0.5, slope 1; the second from 3 to 0.5, slope 1.
    """
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((2, 1)), layers.Flatten(), layers.Dense(2, activation="relu"), layers.Dense(2)]
    )
    model.layers[1].set_weights([np.array([[1, 1], [-1, 1]]), np.array([0, -1])])
    model.layers[2].set_weights([np.array([[2, 0], [-3, 0]]), np.zeros(2)])
    inputs, rows = np.array([[1, 0.5]], np.float32)[..., None], np.array([[0, 1], [2, 2]], np.float32)[..., None]
    found = deep_shap.explain(ExplainedModel(model), inputs, np.array([0]), rng, training=rows)
    first = [(2 / 3 - 3) * 1, (-2 / 3 - 3) * -0.5]
    second = [(2 - 3) * -1, (-2 - 3) * -1.5]
    np.testing.assert_allclose(found[0, :, 0], np.mean([first, second], 0), atol=1e-6)


def test_on_one_relu_it_is_the_rescale_rule_worked_out_by_hand(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((5, 1)), layers.Flatten(), layers.Dense(1, activation="relu"), layers.Dense(2)]
    )
    weights, _ = model.layers[1].get_weights()
    head = model.layers[2].kernel.numpy()[0]
    inputs, rows = (rng.normal(size=(3, 5, 1)).astype(np.float32) for _ in range(2))
    targets = np.array([0, 1, 0])
    before_x, before_row = inputs[..., 0] @ weights[:, 0], rows[..., 0] @ weights[:, 0]
    rise = np.maximum(before_x, 0)[:, None] - np.maximum(before_row, 0)
    slope = rise / (before_x[:, None] - before_row) * head[targets][:, None]
    expected = np.mean(slope[..., None] * (inputs[:, None, :, 0] - rows[None, ..., 0]) * weights[:, 0], axis=1)
    found = deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=rows)
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS[:3])
def test_values_sum_to_the_logit_less_its_mean_over_the_background(request, network, rng):
    model = request.getfixturevalue(network)
    inputs, targets, training = sample(model, rng)
    explained_model = ExplainedModel(model)
    found = deep_shap.explain(
        explained_model, inputs, targets, np.random.default_rng(3), training=training, background=7
    )
    rows = backgrounds.drawn(training, 7, np.random.default_rng(3))
    logits = logits_copy(model)
    change = logits(inputs).numpy()[np.arange(4), targets] - logits(rows).numpy().mean(0)[targets]
    np.testing.assert_allclose(found.sum(tuple(range(1, found.ndim))), change, atol=1e-5)
    given = {"training": training, "background": 7}
    reported = completeness(deep_shap, explained_model, inputs, targets, found, np.random.default_rng(3), given)
    assert 0 < reported["completeness_residual_share"] < 1e-4
    # Other rows have another mean: the check would see that.
    other = completeness(deep_shap, explained_model, inputs, targets, found, np.random.default_rng(4), given)
    assert other["completeness_residual"] > 100 * reported["completeness_residual"]


@pytest.fixture
def vgg_like(keras):
    """Two blocks of convolutions, whose poolings have windows that overlap, the second padded."""
    layers = keras.layers
    keras.utils.set_random_seed(12)
    pair = [
        layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.Conv2D(6, 3, padding="same", activation="relu"),
    ]
    more = [layers.Conv2D(8, 3, padding="same", activation="relu")]
    return keras.Sequential(
        [
            layers.Input((15, 14, 3)),
            *pair,
            layers.MaxPooling2D(3, strides=2),
            *more,
            layers.MaxPooling2D(3, strides=1, padding="same"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )


@pytest.fixture
def curves(keras):
    """Every kind of curve that shap has a rule for."""
    layers = keras.layers
    keras.utils.set_random_seed(13)
    kinds = ("tanh", "sigmoid", "elu", "softplus", "selu")
    inner = [layers.Conv1D(6, 3, activation=kind, name=kind) for kind in kinds]
    return keras.Sequential([layers.Input((20, 3)), *inner, layers.Flatten(), layers.Dense(4, activation="softmax")])


@pytest.mark.slow
@pytest.mark.parametrize("network", [*NETWORKS, "vgg_like", "curves"])
def test_agrees_with_shap_as_its_documentation_calls_it(shap, request, network, rng):
    model = request.getfixturevalue(network)
    inputs, targets, training = sample(model, rng)
    theirs = shap.DeepExplainer(logits_copy(model), training).shap_values(inputs)
    theirs = theirs[np.arange(4), ..., targets]
    found = deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training)
    np.testing.assert_allclose(found, theirs, atol=1e-5 * np.abs(theirs).max())


@pytest.fixture
def unpooled(keras):
    """A network for images without a pooling: after MaxPool2d, captum's values do not sum to the change of the logit."""
    layers = keras.layers
    keras.utils.set_random_seed(9)
    return keras.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(12, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(5, activation="softmax"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("network", ["heartbeat", "unpooled"])
def test_agrees_with_captum_on_the_same_weights(network, request, rng):
    torch = pytest.importorskip("torch")
    pytest.importorskip("sympy")  # which torch needs for the way back through a pooling
    attr = pytest.importorskip("captum.attr")
    model = request.getfixturevalue(network)
    inputs, targets, training = sample(model, rng, m=5)
    copy = torch_copy(model)
    np.testing.assert_allclose(
        copy(channels_first(inputs)).detach().numpy(), ExplainedModel(model).logits(inputs), atol=1e-5
    )
    peer = attr.DeepLiftShap(copy)
    theirs = peer.attribute(channels_first(inputs), channels_first(training), target=torch.tensor(targets))
    theirs = channels_last(theirs)
    found = deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training)
    np.testing.assert_allclose(found, theirs, atol=1e-4 * np.abs(theirs).max())


# Models of any make -----------------------------------------------------------------------------------------------------


def test_models_that_end_in_a_softmax_layer_are_nested_or_branch(keras, rng):
    layers = keras.layers
    inner = keras.Sequential([layers.Input((12, 3)), layers.Conv1D(6, 3, activation="relu"), layers.MaxPooling1D(2)])
    nested = keras.Sequential([layers.Input((12, 3)), inner, layers.Flatten(), layers.Dense(3), layers.Softmax()])
    start = keras.Input((12, 3))
    first = layers.Conv1D(6, 3, padding="same", activation="elu")(start)
    second = layers.ReLU()(layers.Add()([first, layers.Conv1D(6, 3, padding="same")(first)]))
    both = layers.GlobalAveragePooling1D()(layers.Concatenate()([first, second]))
    branching = keras.Model(start, layers.Dense(3, activation="softmax")(both))
    for model in (nested, branching):
        inputs, targets, training = sample(model, rng, n=3)
        explained_model = ExplainedModel(model)
        before = model(inputs).numpy()
        found = deep_shap.explain(explained_model, inputs, targets, rng, training=training)
        change = explained_model.score(inputs, targets) - explained_model.logits(training).mean(0)[targets]
        np.testing.assert_allclose(found.sum((1, 2)), change, atol=1e-5)
        np.testing.assert_array_equal(model(inputs).numpy(), before)


# What it cannot do ------------------------------------------------------------------------------------------------------


UNFIT = {
    "LayerNormalization": ("LayerNormalization", (), "StopGradient"),
    "GlobalMaxPooling": ("GlobalMaxPooling1D", (), "Max"),
    "LSTM": ("LSTM", (4,), "TensorList"),
    "Softmax": ("Softmax", (), "Softmax"),
    "groups of channels": ("Conv1D", (6, 3, 1, "valid", None, 1, 2), "PartitionedCall"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_layer_without_multipliers_is_named(keras, kind, rng):
    layer, arguments, operation = UNFIT[kind]
    model = with_layer(keras, getattr(keras.layers, layer)(*arguments, name="culprit"))
    inputs, targets, training = sample(model, rng, n=2)
    with pytest.raises(
        InputError, match=rf"deep_shap: layer culprit \({layer}\): found operations .*{operation}.*gradient_shap"
    ):
        deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training)


@pytest.mark.parametrize("kind", ["Multiply", "Dot", "Maximum"])
def test_values_that_are_multiplied_or_compared_with_each_other_are_refused(keras, kind, rng):
    layers = keras.layers
    start = keras.Input((12, 3))
    gate = layers.Conv1D(3, 3, padding="same", activation="sigmoid")(start)
    joined = layers.Dot((1, 1), name="culprit") if kind == "Dot" else getattr(layers, kind)(name="culprit")
    model = keras.Model(start, layers.Dense(3)(layers.Flatten()(joined([start, gate]))))
    inputs, targets, training = sample(model, rng, n=2)
    explained_model = ExplainedModel(model)
    with pytest.raises(InputError, match=rf"deep_shap: layer culprit \({kind}\): found operations .*gradient_shap"):
        deep_shap.explain(explained_model, inputs, targets, rng, training=training)
    assert (explained_model.forward_passes, explained_model.backward_passes) == (0, 0)


def test_half_precision_is_refused(keras, rng):
    model = with_layer(keras, keras.layers.Dense(4, dtype="mixed_float16", name="culprit"))
    inputs, targets, training = sample(model, rng, n=2)
    with pytest.raises(InputError, match="deep_shap: layer .*: found operations .*Cast"):
        deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training)


def test_values_that_miss_the_change_of_the_logit_are_refused(heartbeat, rng, monkeypatch):
    inputs, targets, training = sample(heartbeat, rng)
    right = ExplainedModel.contributions
    monkeypatch.setattr(ExplainedModel, "contributions", lambda *given: right(*given) * [[[1]], [[1]], [[1.1]], [[1]]])
    with pytest.raises(InputError, match="values of example 2 that miss the change of the logit by .*kernel_shap"):
        deep_shap.explain(ExplainedModel(heartbeat), inputs, targets, rng, training=training)


def test_architectures_that_declare_the_rescale_rule_are_those_that_it_fits(keras):
    shapes = {"series": (120, 3), "image": (32, 32, 3)}
    for module in plugins.load("models").values():
        if plugins.required(module):  # which is whatever a file or a function makes it
            continue
        keras.utils.set_random_seed(1)
        model = ExplainedModel(module.build(shapes[module.SPEC.kinds[0]], 3))
        if "rescale_rule" in module.SPEC.features:
            deep_shap._check_operations(model)
        else:
            with pytest.raises(InputError, match="deep_shap: layer"):
                deep_shap._check_operations(model)


# The background, and the work -------------------------------------------------------------------------------------------


def test_the_background_is_drawn_from_the_generator_without_repetition():
    training = np.arange(40, dtype=np.float32).reshape(20, 2)
    one, same, other = (backgrounds.drawn(training, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert (np.diff(one[:, 0]) > 0).all()
    assert one.shape == (8, 2)
    assert one.dtype == np.float32


def test_with_fewer_rows_than_asked_all_are_taken(linear, rng):
    model, weights, _ = linear
    inputs, targets, training = sample(model, rng, m=3)
    found = deep_shap.explain(ExplainedModel(model), inputs, targets, rng, training=training, background=500)
    np.testing.assert_array_equal(backgrounds.drawn(training, 500, rng), training)
    np.testing.assert_allclose(found, (inputs - training.mean(0)) * np.moveaxis(weights, -1, 0), atol=1e-6)


def test_a_mapped_file_serves_as_training_examples(heartbeat, rng, tmp_path):
    inputs, targets, training = sample(heartbeat, rng)
    np.save(tmp_path / "x_train.npy", training)
    mapped = np.load(tmp_path / "x_train.npy", mmap_mode="r")
    one, other = (
        deep_shap.explain(
            ExplainedModel(heartbeat), inputs, targets, np.random.default_rng(1), training=rows, background=5
        )
        for rows in (training, mapped)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("size", [1, 2, 9, 64])
def test_a_background_that_does_not_fit_is_taken_in_parts(heartbeat, rng, size):
    inputs, targets, training = sample(heartbeat, rng)
    whole = deep_shap.explain(ExplainedModel(heartbeat), inputs, targets, rng, training=training)
    parts = deep_shap.explain(ExplainedModel(heartbeat, batch_size=size), inputs, targets, rng, training=training)
    np.testing.assert_allclose(parts, whole, atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize(("method", "most"), [("deep_shap", 1e-4), ("gradient_shap", 0.3)])
def test_runs_from_file_to_file_and_reports_its_residual(heartbeat, rng, tmp_path, method, most):
    inputs, targets, training = sample(heartbeat, rng)
    heartbeat.save(tmp_path / "model.keras")
    files.write_arrays(tmp_path / "examples.npz", {"inputs": inputs, "targets": targets})
    np.save(tmp_path / "x_train.npy", training)
    names = {"model": "model.keras", "examples": "examples.npz", "training": "x_train.npy"}
    paths = {key: tmp_path / name for key, name in names.items()}
    prepared.explain(tmp_path, method, {"sweep": {"background": [3, 8]}}, **paths, seed=3)
    checks = files.read_json(tmp_path / "checks.json")
    assert list(checks) == [f"{method}.background=3", f"{method}.background=8"]
    assert all(0 < found["completeness_residual_share"] < most for found in checks.values())


def test_passes_are_counted(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    deep_shap.explain(model, *sample(heartbeat, rng)[:2], rng, training=sample(heartbeat, rng)[2], background=6)
    assert model.backward_passes == 4 * 6
    # One block of pairs; and those of the check of the sum: every row, and every input.
    assert model.forward_passes == (4 + 6) + 6 + 4
