"""A model of several inputs as a model of one, against the model itself."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.held_inputs import HeldModel, input_names
from tests.support import two_inputs

N = 5


@pytest.fixture(scope="module")
def model(keras):
    return two_inputs.convolutional(keras)


@pytest.fixture
def inputs(rng):
    ecg = rng.standard_normal((N, two_inputs.STEPS, two_inputs.CHANNELS)).astype(np.float32)
    return {"ecg": ecg, "patient": rng.standard_normal((N, two_inputs.NUMBERS)).astype(np.float32)}


@pytest.mark.parametrize(("explained", "held"), [("ecg", "patient"), ("patient", "ecg")])
def test_answers_are_those_of_the_model(model, inputs, explained, held):
    expected = model.predict([inputs["ecg"], inputs["patient"]], verbose=0)
    one = HeldModel(model, explained)
    assert one.single.inputs[0].shape[1:] == inputs[explained].shape[1:]
    assert one.shapes == {held: inputs[held].shape[1:]}
    one.hold({held: inputs[held]})
    np.testing.assert_allclose(one.single(inputs[explained]), expected, rtol=1e-5, atol=1e-6)
    for row in range(N):  # one held row for a batch of any size
        one.hold({held: inputs[held][row : row + 1]})
        repeated = np.repeat(inputs[explained][row : row + 1], 3, axis=0)
        np.testing.assert_allclose(one.single(repeated), np.repeat(expected[row : row + 1], 3, 0), rtol=1e-5, atol=1e-6)


def test_nothing_is_traced_again_when_other_values_are_held(model, inputs):
    import tensorflow as tf

    one, traced = HeldModel(model, "ecg"), []

    @tf.function(input_signature=[tf.TensorSpec((None, *inputs["ecg"].shape[1:]))])
    def answer(batch):
        traced.append(1)
        return one.single(batch, training=False)

    answers = []
    for rows in (inputs["patient"][:1], inputs["patient"][1:2], inputs["patient"]):
        one.hold({"patient": rows})
        answers.append(answer(inputs["ecg"]).numpy())
    assert len(traced) == 1
    np.testing.assert_array_equal(answers[0][0], answers[2][0])
    assert not np.allclose(answers[0], answers[1])


def test_other_numbers_of_rows_fail_instead_of_being_repeated(model, inputs):
    import tensorflow as tf

    one = HeldModel(model, "ecg")
    one.hold({"patient": inputs["patient"][:2]})
    with pytest.raises(tf.errors.InvalidArgumentError):
        one.single(inputs["ecg"])


def test_the_gradient_is_that_of_the_explained_input_alone(model, inputs):
    import tensorflow as tf

    both = [tf.constant(inputs["ecg"]), tf.constant(inputs["patient"])]
    with tf.GradientTape() as tape:
        tape.watch(both)
        score = model(both, training=False)[:, 1]
    expected = tape.gradient(score, both)
    for place, (explained, held) in enumerate((("ecg", "patient"), ("patient", "ecg"))):
        one = HeldModel(model, explained)
        one.hold({held: inputs[held]})
        with tf.GradientTape() as tape:
            tape.watch(both[place])
            score = one.single(both[place], training=False)[:, 1]
        np.testing.assert_allclose(tape.gradient(score, both[place]), expected[place], rtol=1e-5, atol=1e-7)


def test_weights_are_shared_and_held_values_are_none_of_them(model, inputs):
    one = HeldModel(model, "ecg")
    assert one.single.count_params() == model.count_params()
    assert {id(weight) for weight in one.single.weights} == {id(weight) for weight in model.weights}


def test_inputs_by_name_are_taken_in_the_order_of_the_names_and_not_of_the_call(keras, inputs):
    """Keras sorts the names of a dict of inputs: `patient` comes first where it is called `age`."""
    layers = keras.layers
    tensors = {"zz": keras.Input((two_inputs.NUMBERS,), name="zz"), "aa": keras.Input((two_inputs.NUMBERS,), name="aa")}
    joined = layers.Concatenate()([layers.Dense(2)(tensors["zz"]), layers.Dense(2)(tensors["aa"])])
    model = keras.Model(tensors, layers.Dense(2)(joined))
    zz, aa = inputs["patient"], inputs["patient"][::-1] + 1
    expected = model({"zz": zz, "aa": aa}, training=False)
    assert sorted(input_names(model)) == ["aa", "zz"]
    one = HeldModel(model, "zz")
    one.hold({"aa": aa})
    np.testing.assert_allclose(one.single(zz), expected, rtol=1e-5, atol=1e-6)


def test_whole_numbers_stay_whole(keras, inputs):
    layers = keras.layers
    ecg, site = keras.Input((4,), name="ecg"), keras.Input((1,), dtype="int32", name="site")
    place = layers.Flatten()(layers.Embedding(5, 3)(site))
    model = keras.Model([ecg, site], layers.Dense(2)(layers.Concatenate()([ecg, place])))
    one = HeldModel(model, "ecg")
    one.hold({"site": np.array([[3.0]], np.float32)})
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(one.single(x), model([x, np.full((2, 1), 3)], training=False), rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="input site: found numbers that are not whole"):
        one.hold({"site": np.array([[0.5]], np.float32)})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "values of the held inputs: found none; expected patient"),
        ({"age": np.zeros((1, 2))}, "values of the held inputs: found age; expected patient"),
        ({"patient": np.zeros((1, 3))}, r"input patient: found .* of shape 1 × 3; expected numbers, N × 2"),
        ({"patient": np.zeros(2)}, r"input patient: found .* of shape 2"),
        ({"patient": np.full((1, 2), np.nan)}, "input patient: found NaN or infinity"),
        ({"patient": np.zeros((0, 2))}, "values of the held inputs: found 0 rows"),
        ({"patient": np.array([["a", "b"]])}, "input patient: found <U1"),
    ],
)
def test_bad_values_are_refused(model, values, message):
    with pytest.raises(InputError, match=message):
        HeldModel(model, "ecg").hold(values)


def test_an_input_that_the_model_does_not_have_is_refused(model):
    with pytest.raises(InputError, match='input: found "ekg"; expected one of ecg, patient. Did you mean "ecg"'):
        HeldModel(model, "ekg")


def test_a_model_with_a_call_of_its_own_is_refused(keras):
    class Doubled(keras.Model):
        def call(self, inputs, training=False):
            return 2 * super().call(inputs, training=training)

    plain = two_inputs.linear(keras)
    with pytest.raises(InputError, match="outputs that do not come from its graph"):
        HeldModel(Doubled(plain.inputs, plain.outputs[0]), "ecg")
