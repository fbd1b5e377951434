"""What the caller passes stays the caller's: arrays, layers and functions are not changed, and not shared."""

import logging
import re
import threading

import numpy as np
import pytest

import pellucid

SHAPE = (24, 2)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def small(keras):
    """What makes a small network, with the channels last or first."""

    def make(order="channels_last", shape=SHAPE):
        keras.utils.set_random_seed(3)
        layers = keras.layers
        convolution = layers.Conv1D(4, 5, activation="relu", data_format=order)
        pool = layers.GlobalAveragePooling1D(data_format=order)
        return keras.Sequential([layers.Input(shape), convolution, pool, layers.Dense(3)], name="small")

    return make


def test_a_function_may_run_a_compiled_model(small, x):
    # TensorFlow runs one operation at a time here: `predict` inside of a compiled function would wait for ever.
    model, found = small(), []
    of_model = pellucid.explain(model, x, "occlusion", window=5).attributions

    def run():
        asked = pellucid.explain(lambda batch: model.predict(batch, verbose=0), x, "occlusion", window=5)
        found.append(asked.attributions)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(120)
    assert found, "the function waits for ever"
    np.testing.assert_allclose(found[0], of_model, rtol=1e-3, atol=1e-6)


def test_a_function_that_changes_its_batch_in_place_changes_no_example(small, x):
    model = small()

    def centred(batch):
        return np.asarray(model(batch - batch.mean((1, 2), keepdims=True)))

    def in_place(batch):
        batch -= batch.mean((1, 2), keepdims=True)
        return np.asarray(model(batch))

    passed = x + 1
    expected = pellucid.explain(centred, x + 1, "occlusion", window=5)
    explanation = pellucid.explain(in_place, passed, "occlusion", window=5)
    np.testing.assert_array_equal(passed, x + 1)
    np.testing.assert_array_equal(explanation.arrays["inputs"], x + 1)
    np.testing.assert_allclose(explanation.attributions, expected.attributions, atol=1e-6)


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (lambda scores: scores + 1j, "complex64, no plain numbers"),
        (lambda scores: scores.astype(str), "<U32, no plain numbers"),
        (lambda scores: np.ma.masked_less(scores, 0), "masked float32, no plain numbers"),
    ],
)
def test_answers_of_a_function_that_are_no_numbers_are_refused(x, answers, found):
    with pytest.raises(pellucid.InputError, match=found):
        pellucid.explain(lambda batch: answers(batch[:, :3, 0]), x, "occlusion")


def test_an_explanation_keeps_its_values_when_the_caller_reuses_the_arrays(small, x):
    buffer, background, measured = x.copy(), x[:2].copy(), np.ones(x.shape, bool)
    measured[:, :3] = False
    explanation = pellucid.explain(small(), buffer, "gradient_shap", training=background, measured=measured)
    before = explanation.attributions.copy()
    buffer[:], background[:], measured[:] = 0, 0, True
    explanation.attributions[:] = 0
    np.testing.assert_array_equal(explanation.arrays["inputs"], x)
    np.testing.assert_array_equal(explanation.arrays["attributions"][0], before)
    np.testing.assert_array_equal(explanation._training, x[:2])
    assert not explanation.arrays["measured"][:, :3].any()


def test_training_examples_in_a_file_are_not_copied(small, x, tmp_path):
    np.save(tmp_path / "training.npy", x)
    mapped = np.load(tmp_path / "training.npy", mmap_mode="r")
    explanation = pellucid.explain(small(), x, "gradient_shap", training=mapped)
    assert np.shares_memory(explanation._training, mapped)


def test_the_layers_of_a_callers_model_with_the_channels_first_stay_as_they_are(small, x):
    model = small("channels_first", SHAPE[::-1])
    before = [dict(vars(layer)).get("call") for layer in model.layers]
    assert pellucid.explain(model, np.moveaxis(x, -1, 1), "saliency").attributions.any()
    assert [vars(layer).get("call") for layer in model.layers] == before == [None] * 3


def test_masked_values_are_not_taken_for_values(small, x):
    masked = np.ma.masked_greater(x, 1)
    number = int((x > 1).sum())
    for passed in (masked, list(masked)):
        with pytest.raises(
            pellucid.InputError, match=f"x: found a masked array with {number} masked values.*measured="
        ):
            pellucid.explain(small(), passed, "saliency")
    targets = np.ma.masked_array([0, 1, 2, 0], [False, True, False, False])
    with pytest.raises(pellucid.InputError, match="target: found a masked array with 1 masked value"):
        pellucid.explain(small(), x, "saliency", target=targets)
    with pytest.raises(pellucid.InputError, match="measured: found a masked array"):
        pellucid.explain(small(), x, "saliency", measured=np.ma.masked_array(x > -9, x > 1))
    explanation = pellucid.explain(small(), np.ma.masked_greater(x, 99), "saliency")
    np.testing.assert_array_equal(explanation.arrays["inputs"], x)


def test_numbers_that_lose_their_differences_in_32_bits_are_told(small, x, caplog):
    caplog.set_level(logging.WARNING)
    fine = np.array(x, np.float64)
    pellucid.explain(small(), fine, "input_magnitude")
    fine[..., 1] = 0.1  # a constant has no differences
    pellucid.explain(small(), fine, "input_magnitude")
    pellucid.explain(small(), (1e8 + x.astype(np.float64)).astype(np.float32), "input_magnitude")  # the caller's own
    assert "32-bit" not in caplog.text
    fine[..., 1] = 1e8 + x[..., 1].astype(np.float64)
    lost, spread = np.abs(fine[..., 1] - fine[..., 1].astype(np.float32)).max(), fine[..., 1].std()
    pellucid.explain(small(), fine, "input_magnitude")
    told = f"x: as 32-bit numbers.* index 1 of the last axis change by up to {lost:.3g}, and .* is {spread:.3g}"
    assert [record for record in caplog.records if re.search(told, record.getMessage())]


@pytest.mark.parametrize("names", [{"a", "b", "c"}, {0: "a", 1: "b", 2: "c"}, frozenset("abc")])
def test_names_without_an_order_are_refused(small, x, names):
    with pytest.raises(pellucid.InputError, match="class_names: found .*; expected a list of names, in order"):
        pellucid.explain(small(), x, "saliency", class_names=names)


@pytest.mark.parametrize(("target", "y"), [(1, None), ("label", [0, 1, 2, 1])])
def test_a_number_that_is_another_classs_name_is_told(small, x, caplog, target, y):
    caplog.set_level(logging.WARNING)
    pellucid.explain(small(), x, "input_magnitude", target=target, y=y, class_names=["0", "1", "2"])
    pellucid.explain(small(), x, "input_magnitude", target="1", class_names=["1", "2", "3"])
    assert "means the class" not in caplog.text
    explanation = pellucid.explain(small(), x, "input_magnitude", target=target, y=y, class_names=["1", "2", "3"])
    assert explanation.explained[1] == "2"
    name = "y" if y else "target"
    assert f'{name}: the number 1 means the class "2", since numbers count the model\'s outputs from 0' in caplog.text


@pytest.mark.parametrize("several", [False, True])
def test_a_copy_that_differs_on_the_examples_alone_is_refused(keras, x, several):
    @keras.saving.register_keras_serializable(package="callers_values")
    class Clipped(keras.layers.Layer):
        """Forgets its limit in `get_config`, as layers of a user may; random inputs do not reach it."""

        def __init__(self, limit=1e9, **options):
            super().__init__(**options)
            self.limit = limit

        def call(self, inputs):
            return keras.ops.minimum(inputs, self.limit)

        def get_config(self):
            return super().get_config()

    layers = keras.layers
    signal, age = keras.Input(SHAPE, name="signal"), keras.Input((2,), name="age")
    flat = layers.Flatten()(Clipped(700.0)(signal))
    if several:
        model = keras.Model([signal, age], layers.Dense(3)(layers.Concatenate()([flat, age])), name="clipped")
    else:
        model = keras.Model(signal, layers.Dense(3)(flat), name="clipped")

    def of(values):
        return {"signal": values, "age": values[:, 0]} if several else values

    pellucid.explain(model, of(x), "saliency")
    with pytest.raises(pellucid.InputError, match="model clipped: found a different function after copying it"):
        pellucid.explain(model, of(x * 1000), "saliency")


def test_probabilities_next_to_1_are_told(x, caplog):
    caplog.set_level(logging.WARNING)
    weights = np.random.default_rng(1).standard_normal(SHAPE[0] * SHAPE[1]) / 7

    def probability(bias):
        return lambda batch: 1 / (1 + np.exp(-bias - batch.reshape(len(batch), -1).astype(np.float64) @ weights))

    def error(bias):
        found = pellucid.explain(probability(bias), x, "occlusion", window=1, class_names=("a", "b"), target=1)
        of_logit = x * weights.reshape(SHAPE)  # occlusion of a linear logit, value by value
        return np.abs(found.attributions - of_logit).max() / np.abs(of_logit).max()

    assert error(2) < 1e-3
    assert "next to 1" not in caplog.text
    assert error(15) > 0.05
    assert "its largest probability is 0.99999" in caplog.text
    assert "Return logits" in caplog.text


def test_a_window_of_steps_may_be_an_array(keras, x):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    of_array = pellucid.explain(model, x, "gradient_input", at_steps=np.array([4, 9]), target=1)
    np.testing.assert_array_equal(
        of_array.attributions, pellucid.explain(model, x, "gradient_input", at_steps=[4, 9], target=1).attributions
    )
    assert (np.abs(of_array.attributions).sum((0, 2)) > 0).tolist() == [4 <= step < 9 for step in range(SHAPE[0])]
