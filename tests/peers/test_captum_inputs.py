"""Agreement with captum on one input of a network of two, with the other as `additional_forward_args`."""

import numpy as np
import pytest

import pellucid
from tests.support import two_inputs

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")
attr = pytest.importorskip("captum.attr", reason="captum is a peer: `make peers` installs it")

N, TARGET = 3, 2


class Both(torch.nn.Module):
    """The network of `two_inputs.convolutional` up to its logits; the explained input comes first."""

    def __init__(self, model, explained):
        super().__init__()
        self.explained = explained
        kernel, bias = model.get_layer("conv").get_weights()
        self.conv = torch.nn.Conv1d(*kernel.transpose(2, 1, 0).shape[1::-1], 3, padding=1)
        self.fill(self.conv, kernel.transpose(2, 1, 0), bias)
        for name in ("numbers", "hidden", "head"):
            kernel, bias = model.get_layer(name).get_weights()
            setattr(self, name, torch.nn.Linear(*kernel.shape))
            self.fill(getattr(self, name), kernel.T, bias)
        self.first, self.second, self.third = (torch.nn.ReLU() for _ in range(3))
        self.eval()

    @staticmethod
    def fill(layer, weight, bias):
        layer.weight.data = torch.from_numpy(np.ascontiguousarray(weight))
        layer.bias.data = torch.from_numpy(bias)

    def forward(self, explained, other):
        ecg, patient = (explained, other) if self.explained == "ecg" else (other, explained)
        pooled = self.first(self.conv(ecg.transpose(1, 2))).mean(2)
        joined = torch.cat([pooled, self.second(self.numbers(patient))], 1)
        return self.head(self.third(self.hidden(joined)))


@pytest.fixture(scope="module")
def model(keras):
    return two_inputs.convolutional(keras)


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(8)
    ecg = rng.standard_normal((N, two_inputs.STEPS, two_inputs.CHANNELS)).astype(np.float32)
    return {"ecg": ecg, "patient": rng.standard_normal((N, two_inputs.NUMBERS)).astype(np.float32)}


def by_captum(method, copy, x, other, start):
    known = {"target": TARGET, "additional_forward_args": (other,)}
    if method == "gradient_input":
        return attr.InputXGradient(copy).attribute(x, **known)
    if method == "integrated_gradients":
        return attr.IntegratedGradients(copy).attribute(x, torch.zeros_like(x), n_steps=400, **known)
    if method == "deep_shap":
        return attr.DeepLift(copy).attribute(x, start, **known)
    if method == "guided_backpropagation":
        return attr.GuidedBackprop(copy).attribute(x, **known)
    shape = (1,) * (x.ndim - 1)
    return attr.Occlusion(copy).attribute(x, sliding_window_shapes=shape, strides=shape, baselines=0, **known)


PARAMETERS = {
    "gradient_input": {},
    "integrated_gradients": {"steps": 400},
    "deep_shap": {"background": 1},
    "guided_backpropagation": {},
    "occlusion": {"window": 1},
}


@pytest.mark.parametrize("explained", ["ecg", "patient"])
@pytest.mark.parametrize("method", PARAMETERS)
@pytest.mark.filterwarnings("ignore:.*")
def test_maps_agree(model, inputs, method, explained):
    held = {"ecg": "patient", "patient": "ecg"}[explained]
    reference = np.random.default_rng(9).standard_normal((1, *inputs[explained].shape[1:])).astype(np.float32)
    parameters = {} if (method, explained) == ("occlusion", "patient") else PARAMETERS[method]
    found = pellucid.explain(
        model, inputs, method, input=explained, target=TARGET, training=reference, **parameters
    ).attributions
    copy = Both(model, explained)
    x, other = torch.from_numpy(inputs[explained]), torch.from_numpy(inputs[held])
    # captum changes ReLUs of the held branch as well, where nothing flows back to the explained input.
    start = torch.from_numpy(np.repeat(reference, N, axis=0))
    expected = by_captum(method, copy, x.requires_grad_(), other, start).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=5e-3, atol=2e-4 * np.abs(expected).max())
