"""Agreement with shap's exact Shapley values: one class of a softmax, labels, values, and one output minus another."""

import numpy as np
import pytest

import pellucid

shap = pytest.importorskip("shap", reason="shap is a peer: `make peers` installs it")

ACTIVATIONS = {"single_label": "softmax", "multi_label": "sigmoid", "regression": "linear"}
STEPS = 8


@pytest.fixture(scope="module")
def bodies(keras):
    """A function from a task to a network (8, 1) of three outputs, and the same network without its activation."""

    def of(task):
        layers = keras.layers
        keras.utils.set_random_seed(21)
        x = keras.Input((STEPS, 1))
        hidden = layers.Conv1D(6, 3, activation="tanh", bias_initializer="random_normal")(x)
        end = layers.Dense(3, activation=ACTIVATIONS[task], bias_initializer="random_normal", name="end")
        model = keras.Model(x, end(layers.Flatten()(hidden)))
        bare = keras.models.clone_model(model)
        bare.get_layer("end").activation = keras.activations.linear
        bare.set_weights(model.get_weights())
        return model, bare

    return of


@pytest.mark.parametrize("target", [1, {"why": 2, "not": 0}], ids=["output", "contrast"])
@pytest.mark.parametrize("task", ACTIVATIONS)
def test_kernel_shap_of_all_coalitions_is_exact(bodies, task, target, rng):
    model, bare = bodies(task)
    x = rng.normal(size=(3, STEPS, 1)).astype(np.float32)
    options = {} if task == "single_label" else {"task": task}
    ours = pellucid.explain(model, x, "kernel_shap", target=target, segments=STEPS, samples=2**STEPS, **options)

    def asked(rows):
        outputs = bare.predict(rows[..., np.newaxis].astype(np.float32), verbose=0).astype(np.float64)
        return outputs[:, target] if isinstance(target, int) else outputs[:, target["why"]] - outputs[:, target["not"]]

    masker = shap.maskers.Independent(np.zeros((1, STEPS)), max_samples=1)
    theirs = shap.explainers.Exact(asked, masker)(x[..., 0].astype(np.float64)).values
    assert np.abs(theirs).max() > 0.05
    np.testing.assert_allclose(ours.attributions[..., 0], theirs, atol=1e-5 * np.abs(theirs).max() + 1e-6)
