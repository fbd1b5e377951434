"""`pellucid.explain` and the command for a model of several inputs: files, names, and what is refused."""

import numpy as np
import pytest
from click.testing import CliRunner

import pellucid
from pellucid.api import several_inputs
from pellucid.cli.main import main
from pellucid.errors import InputError
from tests.support import two_inputs

N = 3


@pytest.fixture(scope="module")
def model(keras):
    return two_inputs.convolutional(keras)


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(5)
    ecg = rng.standard_normal((N, two_inputs.STEPS, two_inputs.CHANNELS)).astype(np.float32)
    return {"ecg": ecg, "patient": rng.standard_normal((N, two_inputs.NUMBERS)).astype(np.float32)}


def test_an_example_does_not_depend_on_the_others(model, x):
    """Each keeps its own held values: alone, in another order, and from a dict in another order."""
    found = pellucid.explain(model, x, "occlusion", window=3, target=0)
    for row in range(N):
        alone = pellucid.explain(
            model, {name: array[row] for name, array in x.items()}, "occlusion", window=3, target=0
        )
        np.testing.assert_array_equal(alone.attributions, found.attributions[row])
    turned = {name: x[name][::-1] for name in ("patient", "ecg")}
    again = pellucid.explain(model, turned, "occlusion", input="ecg", window=3, target=0)
    np.testing.assert_array_equal(again.attributions[::-1], found.attributions)
    assert found.data_info["explained_input"] == "ecg"
    np.testing.assert_array_equal(found.arrays["other/patient"], x["patient"])


def test_the_probabilities_are_those_of_the_model_and_its_weights_stay(model, x):
    before = [np.array(weight) for weight in model.get_weights()]
    found = pellucid.explain(model, x, "saliency", input="patient")
    np.testing.assert_allclose(found.probabilities, model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(len(layer._inbound_nodes) == 1 for layer in model.layers)


def test_the_command_writes_what_python_gives(model, path, x, tmp_path):
    np.savez(tmp_path / "examples.npz", y=np.array([0, 1, 2]), **x)
    arguments = ["explain", str(path), str(tmp_path / "examples.npz"), "--input", "patient", "--method", "occlusion"]
    result = CliRunner().invoke(main, [*arguments, "--target", "label", "--output", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    expected = pellucid.explain(model, x, "occlusion", input="patient", y=[0, 1, 2], target="label")
    with np.load(tmp_path / "out" / "occlusion.npz") as arrays:
        np.testing.assert_allclose(arrays["attributions"][0, ..., 0], expected.attributions, rtol=1e-5, atol=1e-6)
    assert (tmp_path / "out" / "occlusion.png").stat().st_size > 10_000
    result = CliRunner().invoke(main, [*arguments[:4], "age"])
    assert result.exit_code == 1
    assert "expected the name of one of its arrays: ecg, patient" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda x: x["ecg"], {}, "one array; expected an array for each of the 2 inputs of model both, by name"),
        (lambda x: x["ecg"], {"input": "ecg"}, "x: found one array; expected the arrays of all inputs by name"),
        (lambda x: {"ecg": x["ecg"]}, {}, "expected the arrays of two or more inputs by name"),
        (
            lambda x: {"ecg": x["ecg"], "age": x["patient"]},
            {},
            "expected one for each input of model both: ecg, patient",
        ),
        (lambda x: {**x, "age": x["patient"]}, {}, "arrays ecg, patient, age; expected one for each input"),
        (
            lambda x: {**x, "patient": x["patient"][:2]},
            {},
            "x patient: found 2 examples; expected 3, as many as of ecg",
        ),
        (lambda x: {**x, "patient": x["patient"][:, :1]}, {}, "x patient: found shape 3 × 1; expected N × 2"),
        (lambda x: {**x, "patient": x["patient"] * np.nan}, {}, "x patient: found NaN"),
        (lambda x: x, {"input": "ekg"}, 'input: found "ekg"; expected one of the names of x'),
        (lambda x: x, {"input": "patient", "method": "rise"}, "rise: it does not fit an input of numbers"),
        (lambda x: x, {"input": "patient", "method": "smoothgrad"}, "it does not fit an input of numbers"),
        (
            lambda x: x,
            {"input": "patient", "method": "lime", "baseline": "mean"},
            "found mean, which mixes the numbers",
        ),
        (
            lambda x: x,
            {"input": "patient", "method": "lime", "partition": "windows"},
            "lime.partition: found windows of an input of numbers",
        ),
        (lambda x: x, {"input": "patient", "method": "grad_cam"}, "it needs a convolution"),
    ],
)
def test_bad_inputs_are_refused(model, x, change, options, message):
    with pytest.raises(InputError) as caught:
        pellucid.explain(model, change(x), **{"method": "saliency", **options})
    assert message in str(caught.value)


def test_a_function_of_several_inputs_is_refused_with_the_way_out(x):
    with pytest.raises(InputError, match="A function of the explained input alone is explained"):
        pellucid.explain(lambda batch: batch, x, "occlusion")


def test_keys_that_32_bits_round_are_refused():
    signal, rounded = np.zeros((2, 4, 1), np.float32), np.array([[2**24], [2**24 + 1]])
    with pytest.raises(pellucid.InputError, match="x key: found 1152921504606846977"):
        several_inputs.chosen({"signal": signal, "key": rounded * 0 + 2**60 + 1}, "signal")
    with pytest.raises(pellucid.InputError, match="x key: found 16777217, which 32 bits round; expected whole numbers"):
        several_inputs.chosen({"signal": signal, "key": rounded}, "signal")
    assert several_inputs.chosen({"signal": signal, "key": rounded - 1}, "signal")[0] == "signal"
    assert several_inputs.chosen({"signal": signal, "key": rounded.astype(float)}, "signal")[0] == "signal"
