"""Agreement with captum on the same weights: networks with sigmoids, networks with linear values, and contrasts."""

import importlib
import warnings
from functools import cache

import numpy as np
import pytest

from pellucid.explain import deep_shap, grad_cam, integrated_gradients, occlusion
from pellucid.explain.shared.cam_layers import combined
from pellucid.targets import contrast
from tests.support.explained import opened
from tests.support.torch_copy import channels_first, channels_last, torch_copy

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")
attr = pytest.importorskip("captum.attr", reason="captum is a peer: `make peers` installs it")

TASKS = {"multi_label": "sigmoid", "regression": "linear"}
# Of four examples: outputs, or pairs (why, not).
PLAIN, CONTRASTS = [0, 2, 1, 2], [(0, 1), (2, 0), (1, 2), (2, 1)]


class Targeted(torch.nn.Module):
    """The copy with one output: that of each example's target, or the difference of two; rows may be repeated."""

    def __init__(self, copy, targets):
        super().__init__()
        self.copy, self.targets = copy, targets

    def forward(self, x):
        outputs = self.copy(x)
        # captum puts the copies of a batch behind each other: example 0, 1, …, 0, 1, … or each example several times.
        rows = torch.arange(len(outputs)) % len(self.targets)
        values = []
        for row, of_row in enumerate(outputs):
            target = self.targets[rows[row]]
            values.append(of_row[target] if np.ndim(target) == 0 else of_row[target[0]] - of_row[target[1]])
        return torch.stack(values)


@pytest.fixture(scope="module", params=["series", "image"])
def bodies(request, keras):
    """A function from an activation to a network of three outputs, the same weights for each activation."""
    shape, kind = {"series": ((30, 2), "1D"), "image": ((10, 9, 2), "2D")}[request.param]
    layers = keras.layers

    @cache
    def of(activation):
        keras.utils.set_random_seed(11)
        return keras.Sequential(
            [
                keras.Input(shape),
                getattr(layers, f"Conv{kind}")(5, 3, activation="relu", bias_initializer="random_normal", name="first"),
                getattr(layers, f"Conv{kind}")(
                    4, 3, activation="relu", bias_initializer="random_normal", name="second"
                ),
                layers.Flatten(),
                layers.Dense(6, activation="relu", name="hidden"),
                layers.Dense(3, activation=activation, bias_initializer="random_normal", name="end"),
            ]
        )

    return of


@pytest.fixture(params=[PLAIN, CONTRASTS], ids=["outputs", "contrasts"])
def asked(request):
    return request.param


@pytest.fixture(params=TASKS)
def case(request, bodies, asked, rng):
    model = bodies(TASKS[request.param])
    inputs = rng.normal(size=(4, *model.input_shape[1:])).astype(np.float32)
    codes = np.array([one if np.ndim(one) == 0 else contrast(*one) for one in asked], np.int64)
    return opened(model, request.param), Targeted(torch_copy(model), asked), inputs, codes


def close(ours, theirs, share=1e-4):
    largest = np.abs(theirs).max()
    assert largest > 0
    np.testing.assert_allclose(ours, theirs, atol=share * largest)


def attributed(peer, x, **options):
    """captum warns of every hook that it sets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer.attribute(x, **options)


@pytest.mark.parametrize(
    ("method", "peer", "options"),
    [
        ("saliency", "Saliency", {"abs": False}),
        ("gradient_input", "InputXGradient", {}),
        ("guided_backpropagation", "GuidedBackprop", {}),
        ("deconvnet", "Deconvolution", {}),
    ],
)
def test_gradient_methods(case, method, peer, options, rng):
    model, copy, inputs, targets = case
    theirs = attributed(getattr(attr, peer)(copy), channels_first(inputs).requires_grad_(), **options)
    parameters = {"mode": "signed"} if method == "saliency" else {}
    ours = importlib.import_module(f"pellucid.explain.{method}").explain(model, inputs, targets, rng, **parameters)
    close(ours, channels_last(theirs))


def test_grad_cam(case):
    model, copy, inputs, targets = case
    theirs = attributed(attr.LayerGradCam(copy, copy.copy.second_activation), channels_first(inputs))
    close(combined(model, inputs, targets, "second", grad_cam.weighted), theirs[:, 0].detach().numpy())


def test_integrated_gradients(case, rng):
    model, copy, inputs, targets = case
    theirs = attributed(attr.IntegratedGradients(copy), channels_first(inputs), n_steps=200, internal_batch_size=None)
    ours = integrated_gradients.explain(model, inputs, targets, rng, steps=400)
    close(ours, channels_last(theirs), 0.01)


def test_occlusion(case, rng):
    model, copy, inputs, targets = case
    axes, depth = inputs.ndim - 2, inputs.shape[-1]
    options = {"sliding_window_shapes": (depth, *[3] * axes), "baselines": 0, "perturbations_per_eval": 1}
    theirs = attributed(attr.Occlusion(copy), channels_first(inputs), **options)
    ours = occlusion.explain(model, inputs, targets, rng, window=3, stride=1, channels="together")
    close(ours, channels_last(theirs))


def test_deep_shap_of_one_reference_is_deep_lift(case, rng):
    model, copy, inputs, targets = case
    reference = rng.normal(size=(1, *inputs.shape[1:])).astype(np.float32)
    ours = deep_shap.explain(model, inputs, targets, rng, training=reference, background=1)
    # Its hooks pair each example with its reference in one batch: the targets of both are those of the example.
    x, start = channels_first(inputs), channels_first(np.repeat(reference, len(inputs), axis=0))
    theirs = attributed(attr.DeepLift(copy), x, baselines=start)
    close(ours, channels_last(theirs))
