"""HiRes-, XGrad-, Ablation- and Eigen-CAM agree with pytorch-grad-cam on the same weights."""

from typing import Any

import numpy as np
import pytest

from pellucid.explain import ablation_cam, eigen_cam, hires_cam, xgrad_cam
from tests.support import stand_ins
from tests.support.explained import opened
from tests.support.torch_copy import channels_first, torch_copy

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def peer():
    """pytorch-grad-cam."""
    try:
        return stand_ins.imported("pytorch_grad_cam")
    except ImportError:
        pytest.skip("pytorch-grad-cam is a peer: `make peers` installs it")


@pytest.fixture(params=["conv_1", "conv_2"])
def case(request, digit, rng):
    """The model, a layer, its copy, inputs and targets, and the layer's activations and gradients in the copy."""
    inputs, targets = rng.random((5, *digit.input_shape[1:]), np.float32), np.arange(5)
    copy = torch_copy(digit)
    module = getattr(copy, f"{request.param}_activation")
    return opened(digit), request.param, copy, module, inputs, targets


def theirs(peer: Any, name: str, case: Any) -> Any:
    """Return the map of the peer before it is resized: (N, height, width)."""
    _, _, copy, module, inputs, targets = case
    method = getattr(peer, name)(copy, [module])
    x = channels_first(inputs)
    wanted = [peer.utils.model_targets.ClassifierOutputTarget(int(target)) for target in targets]
    outputs = method.activations_and_grads(x)
    sum(target(output) for target, output in zip(wanted, outputs, strict=True)).backward()
    kept = method.activations_and_grads
    activations, gradients = (found[0].detach().numpy() for found in (kept.activations, kept.gradients))
    if name == "AblationCAM":
        activations = torch.tensor(activations)
    try:
        return method.get_cam_image(x, module, wanted, activations, gradients, False), outputs.detach().numpy()
    finally:
        kept.release()


def ours(case: Any) -> tuple[Any, Any]:
    model, layer, _, _, inputs, targets = case
    return model.activations_and_gradient(inputs, targets, layer)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def test_hires_cam(peer, case):
    close(hires_cam.products(*ours(case), (1, 2)), theirs(peer, "HiResCAM", case)[0])


def test_xgrad_cam(peer, case):
    """It divides by the sum of a map + 1e-7, which a map of zeros needs; here such a map has the weight 0."""
    close(xgrad_cam.weighted(*ours(case), (1, 2)), theirs(peer, "XGradCAM", case)[0])


def test_ablation_cam_but_for_the_division_by_the_score(peer, case):
    model, layer, *_, inputs, targets = case
    found, outputs = theirs(peer, "AblationCAM", case)
    scores = outputs[np.arange(len(targets)), targets]
    close(ablation_cam.weighted(model, inputs, targets, layer), found * scores[:, np.newaxis, np.newaxis])


def test_eigen_cam_but_for_the_centring_which_the_paper_does_not_have(peer, case):
    activations = ours(case)[0]
    found, _ = theirs(peer, "EigenCAM", case)
    centred = activations - activations.mean((1, 2), keepdims=True)
    same = eigen_cam.projected(centred)
    sign = np.sign((same * found).sum((1, 2), keepdims=True))
    close(same, found * sign)
    # Without the centring, its map of the first component is at least as long: it holds more of the activations.
    whole = eigen_cam.projected(activations)
    assert (np.square(whole).sum((1, 2)) >= np.square(found).sum((1, 2)) - 1e-4).all()
