"""What a `training` entry gives to Keras: optimizer, loss, metric and precision, against closed forms."""

import numpy as np
import pytest

from pellucid.config import schema_errors
from pellucid.config.resolution import resolve
from pellucid.config.training_checks import complete
from pellucid.config.training_keys import TrainingSettings
from pellucid.network import dtype_policy
from pellucid.train.compile import class_weights, make_loss, make_optimizer
from tests.support.good_settings import GOOD


def test_what_is_absent_has_the_default_that_the_configuration_has():
    absent = complete({"epochs": 15, "batch_size": 64})
    # The loss is that of the task, which the data say.
    assert absent | {"loss": "crossentropy"} == resolve(GOOD).experiments["digits"]["training"]
    declared = schema_errors.of_config()["$defs"]["settings"]["properties"]["training"]["properties"]
    # A training has a seed of its own, and keeps checkpoints, only where that is asked; a recipe is replaced by its keys.
    assert set(complete({})) == set(declared) - {"seed", "recipe", "loss", "kept_checkpoints"}


# Class weights -------------------------------------------------------------------------------------------------------


def test_class_weights_have_the_mean_one_and_their_own_proportions():
    counts = {"a": 900, "b": 90, "c": 10}
    sizes = np.array([900, 90, 10])
    np.testing.assert_array_equal(class_weights(counts, "none"), np.ones(3))
    balanced, root = class_weights(counts, "balanced"), class_weights(counts, "sqrt")
    np.testing.assert_allclose(balanced * sizes, 1000 / 3, rtol=1e-6)
    np.testing.assert_allclose(root / root[0], np.sqrt(balanced / balanced[0]), rtol=1e-6)
    assert (root * sizes).sum() == pytest.approx(1000)


# Optimizers ----------------------------------------------------------------------------------------------------------


def stepped(keras, gradient, **settings):
    """Kernel (2, 2) and bias (2,), all 1, after two steps along the same gradient."""
    layer = keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")
    layer.build((None, 2))
    optimizer = make_optimizer(TrainingSettings.of({"learning_rate": 0.1, **settings}), layer.trainable_variables)
    for _ in range(2):
        optimizer.apply([keras.ops.full(weight.shape, gradient) for weight in layer.trainable_variables])
    return [float(np.unique(weight.numpy())[0]) for weight in layer.trainable_variables]


def test_sgd_with_momentum_and_decoupled_decay_of_kernels_alone(keras):
    # Velocity: -0.1 g, then 0.5 · (-0.1 g) - 0.1 g.
    kernel, bias = stepped(keras, 1.0, optimizer="sgd", momentum=0.5, weight_decay=0.2)
    assert bias == pytest.approx(1 - 0.1 - 0.15)
    assert kernel == pytest.approx((1 * 0.98 - 0.1) * 0.98 - 0.15)


def test_adamw_decays_what_adam_does_not(keras):
    # A steady gradient makes every step of Adam as long as the learning rate.
    assert stepped(keras, 3.0) == pytest.approx([0.8, 0.8], abs=1e-5)
    kernel, bias = stepped(keras, 3.0, optimizer="adamw", weight_decay=0.5)
    assert bias == pytest.approx(0.8, abs=1e-5)
    assert kernel == pytest.approx((1 * 0.95 - 0.1) * 0.95 - 0.1, abs=1e-5)


# Losses and metric ---------------------------------------------------------------------------------------------------

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], np.float32)
Y = np.array([0, 1])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_whole_numbers_are_numbers_too(keras, optimizer):
    whole = {"optimizer": optimizer, "learning_rate": 1, "momentum": 0, "weight_decay": 0}
    assert stepped(keras, 1.0, **whole) == stepped(keras, 1.0, **{**whole, "learning_rate": 1.0, "momentum": 0.0})


def of(keras, **settings):
    loss = keras.losses.get(make_loss(TrainingSettings.of(settings)))
    return [float(loss(Y[i : i + 1], P[i : i + 1])) for i in range(2)]


def test_focal_loss_is_its_closed_form(keras):
    right = P[[0, 1], Y]
    np.testing.assert_allclose(of(keras), -np.log(right), rtol=1e-5)
    for gamma in (0.5, 2, 5):
        found = of(keras, loss="focal", focal_gamma=gamma)
        np.testing.assert_allclose(found, -((1 - right) ** gamma) * np.log(right), rtol=1e-5)


def test_label_smoothing_is_its_closed_form(keras):
    truth = np.eye(3)[Y] * 0.7 + 0.1
    np.testing.assert_allclose(of(keras, label_smoothing=0.3), -(truth * np.log(P)).sum(1), rtol=1e-5)
    focal = of(keras, label_smoothing=0.3, loss="focal")
    np.testing.assert_allclose(focal, -(truth * (1 - P) ** 2 * np.log(P)).sum(1), rtol=1e-5)


def test_losses_weigh_examples_and_take_labels_in_a_column(keras):
    loss = make_loss(TrainingSettings.of({"loss": "focal"}))
    one, two = of(keras, loss="focal")
    assert float(loss(Y[:, None], P, np.array([3.0, 0.5]))) == pytest.approx((3 * one + 0.5 * two) / 2)


def test_balanced_accuracy_is_scikit_learns(keras):
    from sklearn.metrics import balanced_accuracy_score

    from pellucid.train.losses import BalancedAccuracy

    rng = np.random.default_rng(0)
    # Class 3 of 5 is never seen, and class 0 often.
    y, p = rng.choice([0, 1, 2, 4], 200, p=[0.7, 0.1, 0.1, 0.1]), rng.dirichlet(np.ones(5), 200)
    metric = BalancedAccuracy(5)
    for part in np.array_split(np.arange(200), 7):
        metric.update_state(y[part], p[part], sample_weight=np.full(len(part), 5.0))
    # Scikit-learn warns of classes that are predicted and never true.
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = balanced_accuracy_score(y, p.argmax(1))
    assert float(metric.result()) == pytest.approx(expected)


# Precision -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["digit", "attention", "nested", *(pytest.param(one, marks=pytest.mark.slow) for one in ("gap_image", "mil"))],
)
def test_another_precision_keeps_weights_and_puts_out_float32(keras, request, name):
    if name == "nested":
        inner = request.getfixturevalue("heartbeat")
        model = keras.Sequential([keras.layers.Input((186, 1)), inner])
    else:
        model = request.getfixturevalue(name)
    x = np.random.default_rng(0).normal(0, 1, (4, *model.input_shape[1:])).astype(np.float32)
    mixed = dtype_policy.recast(model, "mixed_bfloat16")
    again = dtype_policy.recast(mixed, "float32")
    for one, two, three in zip(model.get_weights(), mixed.get_weights(), again.get_weights(), strict=True):
        assert two.dtype == np.float32
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
    whole, low, back = (one.predict(x, verbose=0) for one in (model, mixed, again))
    np.testing.assert_array_equal(whole, back)
    assert low.dtype == np.float32
    assert not np.array_equal(whole, low)
    # Eight bits of mantissa: wrong in the third digit, layer after layer.
    np.testing.assert_allclose(low, whole, atol=0.05)
    np.testing.assert_allclose(low.sum(1), 1, atol=1e-5)
