"""A model that is written down in another way is explained in the same way, by every method that applies to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pellucid import plugins
from pellucid.config.schema_errors import parameters_schema, with_defaults
from pellucid.models import keras_file
from pellucid.models.imported import archive
from pellucid.network.explained_model import ExplainedModel
from tests.metamorphic.networks import SPELLINGS, build, recipes

METHODS = plugins.load("explain")
# What holds for some samples holds for more.
FEW = {
    "rise": {"masks": 60},
    "lime": {"samples": 60},
    "kernel_shap": {"samples": 200},
    "gradient_shap": {"samples": 10},
    "deep_shap": {"background": 4},
    "integrated_gradients": {"steps": 8},
    "smoothgrad": {"samples": 4},
    "vargrad": {"samples": 4},
    "occlusion": {"window": 3},
    "augmented_occlusion": {"background": 2, "window": 3},
    "score_cam": {},
    "sobol": {"designs": 8},
    "hsic": {"samples": 64},
    "extremal_perturbation": {"iterations": 10, "areas": [0.2]},
    "dynamask": {"iterations": 10, "areas": [0.2]},
    "extremal_mask": {"iterations": 10},
}
QUICK = (
    *("saliency", "guided_backpropagation", "deconvnet", "grad_cam", "layer_cam", "cam", "deep_shap", "occlusion"),
    *("ablation_cam", "full_grad", "lrp"),
)
# A smaller failing network is not looked for: each try compiles a dozen functions.
SETTINGS = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def stored(model, path):
    """The model as the workflow takes it from a file, and what was found in the file when the run was planned."""
    import keras

    keras.utils.clear_session()
    model.save(path)
    described = archive.read(path)
    archive.check(described, path.name)
    features = archive.features(described, path.name)
    made = keras_file.build(tuple(model.input_shape[1:]), model.output_shape[-1], file=path)
    made.save(path.with_name("model.keras"))
    return ExplainedModel.load(path.with_name("model.keras")), features


def explained(model, features, methods, inputs, targets):
    """The maps of each method that applies."""
    maps = {}
    for name in methods:
        spec = METHODS[name].SPEC
        if not set(spec.requires) <= {*features, "layers"} or (inputs.ndim == 4 and "image" not in spec.kinds):
            continue
        training = np.random.default_rng(5).standard_normal((8, *inputs.shape[1:]), np.float32)
        extra = {"training": training} if spec.needs_training else {}
        parameters = with_defaults(dict(FEW.get(name, {})), parameters_schema(plugins.parameters(METHODS[name])))
        maps[name] = METHODS[name].explain(model, inputs, targets, np.random.default_rng(7), **extra, **parameters)
    return maps


def maps_of(recipe, spelling, methods, folder):
    inputs = np.random.default_rng(recipe.seed).standard_normal((3, *recipe.shape), np.float32)
    model, features = stored(build(recipe, spelling), folder / f"{spelling.replace(' ', '_')}.keras")
    return explained(model, features, methods, inputs, np.array([0, 1, 2]))


# Several spellings are held against one network: it is explained once.
REFERENCES = {}


def compare(recipe, spelling, methods, folder):
    key = (recipe, tuple(methods))
    if key not in REFERENCES:
        REFERENCES[key] = maps_of(recipe, "within", methods, folder)
    expected, found = REFERENCES[key], maps_of(recipe, spelling, methods, folder)
    assert set(found) == set(expected), "methods apply to one spelling alone"
    for name, values in expected.items():
        tolerance = 1e-3 * np.abs(values).max() + 1e-6
        np.testing.assert_allclose(found[name], values, atol=tolerance, err_msg=f"{name} of {spelling}")


@settings(SETTINGS, max_examples=2)
@given(recipe=recipes(), spelling=st.sampled_from(SPELLINGS[1:]))
def test_quick_methods_do_not_see_the_spelling(recipe, spelling, tmp_path_factory):
    compare(recipe, spelling, QUICK, tmp_path_factory.mktemp("respelled"))


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS[1:])
@settings(SETTINGS, max_examples=2)
@given(recipe=recipes())
def test_no_method_sees_the_spelling(spelling, recipe, tmp_path_factory):
    compare(recipe, spelling, sorted(METHODS), tmp_path_factory.mktemp("respelled"))
