"""Agreement with captum on the same weights where it is right, and closed forms where it is not."""

import importlib
import warnings
from functools import partial

import numpy as np
import pytest

from pellucid.explain import grad_cam, integrated_gradients, occlusion, smoothgrad, vargrad
from pellucid.explain.shared import baselines
from pellucid.explain.shared.cam_layers import combined
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.lrp_rules import Rules
from tests.support.explained import opened
from tests.support.torch_copy import channels_first, channels_last, torch_copy

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")
attr = pytest.importorskip("captum.attr", reason="captum is a peer: `make peers` installs it")

NETWORKS = ["heartbeat", "multivariate", "digit"]


@pytest.fixture(params=NETWORKS)
def case(request, rng):
    """A network, its copy, four inputs and their targets, as arrays and as tensors."""
    model = request.getfixturevalue(request.param)
    inputs, targets = rng.random((4, *model.input_shape[1:]), np.float32), np.arange(4)
    return opened(model), torch_copy(model), inputs, targets, channels_first(inputs), torch.tensor(targets)


def close(ours, theirs, share=1e-5):
    """Equal but for `share` of the largest value, which must not be zero."""
    largest = np.abs(theirs).max()
    assert largest > 0
    np.testing.assert_allclose(ours, theirs, atol=share * largest)


def quietly(peer, *arguments, **options):
    """captum warns of every hook that it sets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer.attribute(*arguments, **options)


def conv(model, copy):
    """The last convolution, after its activation, in the copy."""
    name = model.conv_layers[-1]
    return name, getattr(copy, f"{name}_activation", None) or getattr(copy, name)


def seen(copy, module, shape, axis):
    """Which positions along an axis each unit of a layer sees, by the gradients of its copy: (units, positions).

    One example may hide some: max pooling lets one position of a window through, and a ReLU none at times.
    """
    x = torch.rand(64, shape[-1], *shape[:-1], generator=torch.Generator().manual_seed(0)).requires_grad_()
    kept = []
    with module.register_forward_hook(lambda module, given, output: kept.append(output)):
        copy(x)
    lines = kept[0].movedim(2 + axis, 0)
    gradients = (torch.autograd.grad(line.sum(), x, retain_graph=True)[0] for line in lines)
    return np.array([(one.movedim(2 + axis, 0).flatten(1) != 0).any(1).numpy() for one in gradients])


def on_the_input(maps, copy, module, shape):
    """Maps (N, *units) on the input: each unit at the middle of what it sees, straight lines between them, else 0."""
    for axis, length in enumerate(shape[:-1]):
        units = seen(copy, module, shape, axis)
        positions = np.arange(length)
        middles = [(positions[unit][0] + positions[unit][-1]) / 2 for unit in units]
        maps = np.apply_along_axis(partial(np.interp, positions, middles), 1 + axis, maps)
        maps = maps * units.any(0).reshape(-1, *[1] * (maps.ndim - 2 - axis))
    return maps[..., np.newaxis]


# Agreement --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "peer"),
    [
        ("saliency", "Saliency"),
        ("gradient_input", "InputXGradient"),
        ("guided_backpropagation", "GuidedBackprop"),
        ("deconvnet", "Deconvolution"),
    ],
)
def test_gradient_methods_agree(case, method, peer, rng):
    model, copy, inputs, targets, x, classes = case
    theirs = channels_last(quietly(getattr(attr, peer)(copy), x.requires_grad_(), target=classes))
    ours = importlib.import_module(f"pellucid.explain.{method}").explain(model, inputs, targets, rng)
    close(ours, theirs)


def test_grad_cam_agrees_at_the_layer_and_at_the_input(case, rng):
    model, copy, inputs, targets, x, classes = case
    name, module = conv(model, copy)
    at_layer = attr.LayerGradCam(copy, module).attribute(x, target=classes)
    close(combined(model, inputs, targets, name, grad_cam.weighted), at_layer[:, 0].detach().numpy())
    # The negative part too, which the ReLU would hide.
    ours = grad_cam.explain(model, inputs, targets, rng, layer=name, relu=False)
    at_input = on_the_input(at_layer[:, 0].detach().numpy(), copy, getattr(copy, name), inputs.shape[1:])
    close(ours, np.broadcast_to(at_input, ours.shape))


def test_guided_grad_cam_agrees(case, rng):
    model, copy, inputs, targets, x, classes = case
    name, module = conv(model, copy)
    at_layer = attr.LayerGradCam(copy, module).attribute(x, target=classes, relu_attributions=True)
    at_input = on_the_input(at_layer[:, 0].detach().numpy(), copy, getattr(copy, name), inputs.shape[1:])
    guided = channels_last(quietly(attr.GuidedBackprop(copy), x.requires_grad_(), target=classes))
    ours = importlib.import_module("pellucid.explain.guided_grad_cam").explain(model, inputs, targets, rng, layer=name)
    close(ours, guided * at_input)


@pytest.mark.parametrize(("network", "rule"), [("multivariate", "epsilon"), ("digit", "epsilon"), ("digit", "gamma")])
def test_lrp_agrees(request, network, rule, rng):
    """Norms belong to a convolution here: captum cannot pass relevance on through one that stands for itself."""
    from captum.attr._utils import lrp_rules

    model = request.getfixturevalue(network)
    copy, inputs, targets = torch_copy(model), rng.random((4, *model.input_shape[1:]), np.float32), np.arange(4)
    if rule == "gamma":  # captum's gamma leaves the biases as they are, unlike the paper's
        assert not any(weights[1].any() for weights in opened(model).weights.values())
    for name, module in list(copy.named_children()):
        if isinstance(module, torch.nn.Identity):
            setattr(copy, name, torch.nn.Dropout().eval())  # a layer that gives its input back confuses captum's hooks
        elif rule == "gamma" and isinstance(module, torch.nn.Conv2d):
            module.rule = lrp_rules.GammaRule(0.25)
        elif not isinstance(module, torch.nn.ReLU):
            module.rule = lrp_rules.EpsilonRule()
    theirs = quietly(attr.LRP(copy), channels_first(inputs).requires_grad_(), target=torch.tensor(targets))
    ours, _ = opened(model).relevance(inputs, targets, Rules(rule, rule, "epsilon", 1e-9))
    close(ours, channels_last(theirs), 1e-4)


def test_lrp_plus_is_autograd_of_split_weights(heartbeat, rng):
    """The rule for convolutions that captum lacks for inputs of both signs, and norms that stand for themselves."""
    copy, inputs, targets = torch_copy(heartbeat), rng.random((4, 186, 1), np.float32), np.arange(4)
    modules, values = list(copy.children()), [channels_first(inputs)]
    for module in modules:
        values.append(module(values[-1]).detach())
    relevance = torch.eye(values[-1].shape[1])[targets] * values[-1]
    for module, value in zip(reversed(modules), reversed(values[:-1]), strict=True):
        if isinstance(module, torch.nn.ReLU | torch.nn.BatchNorm1d):
            continue
        parts = [part.requires_grad_() for part in (value.clamp(min=0), value.clamp(max=0))]
        if isinstance(module, torch.nn.Conv1d):
            weight, conv1d = module.weight.detach(), torch.nn.functional.conv1d
            total = conv1d(parts[0], weight.clamp(min=0), module.bias.detach().clamp(min=0))
            total = total + conv1d(parts[1], weight.clamp(max=0))
        else:
            total = module(parts[0] + parts[1])
        share = relevance / (total + 1e-6 * torch.where(total >= 0, 1.0, -1.0)).detach()
        gradients = torch.autograd.grad(total, parts, share)
        relevance = sum(part * one for part, one in zip(parts, gradients, strict=True)).detach()
    rules = Rules("alpha_beta", "alpha_beta", "epsilon", 1e-6, alpha=1)
    close(opened(heartbeat).relevance(inputs, targets, rules)[0], channels_last(relevance))


@pytest.mark.parametrize("channels", ["each", "together"])
@pytest.mark.parametrize("stride", [1, 2])
def test_occlusion_agrees_where_the_last_window_is_whole(case, channels, stride, rng):
    model, copy, inputs, targets, x, classes = case
    # A window of even or odd size, so that the stride divides what is left.
    window = 4 if inputs.shape[1] % 2 == 0 else 5
    axes, depth = inputs.ndim - 2, inputs.shape[-1]
    theirs = attr.Occlusion(copy).attribute(
        x,
        sliding_window_shapes=(depth if channels == "together" else 1, *[window] * axes),
        strides=(1, *[stride] * axes),
        baselines=0,
        target=classes,
        perturbations_per_eval=32,
    )
    ours = occlusion.explain(model, inputs, targets, rng, window=window, stride=stride, channels=channels)
    close(ours, channels_last(theirs), 1e-4)


def test_occlusion_agrees_with_a_baseline_per_example(heartbeat, rng):
    inputs, targets = rng.random((3, 186, 1), np.float32), np.arange(3)
    fill = channels_first(baselines.baseline(inputs, "mean", rng).copy())
    theirs = attr.Occlusion(torch_copy(heartbeat)).attribute(
        channels_first(inputs),
        sliding_window_shapes=(1, 15),
        baselines=fill,
        target=torch.tensor(targets),
        perturbations_per_eval=64,
    )
    close(occlusion.explain(opened(heartbeat), inputs, targets, rng, baseline="mean"), channels_last(theirs), 2e-4)


def test_integrated_gradients_agree_with_gauss_legendre(case):
    model, copy, inputs, targets, x, classes = case
    options = {"steps": 1000, "baseline": "noise"}
    start = integrated_gradients.reference(inputs, np.random.default_rng(3), **options)
    theirs = attr.IntegratedGradients(copy).attribute(
        x, channels_first(start), target=classes, n_steps=400, internal_batch_size=200
    )
    ours = integrated_gradients.explain(model, inputs, targets, np.random.default_rng(3), **options)
    close(ours, channels_last(theirs), 0.01)


def test_smoothgrad_and_vargrad_agree_but_for_chance(heartbeat, rng):
    """Both take 2000 samples; the standard error of each mean comes from the variance itself."""
    samples = 2000
    inputs, targets = rng.random((2, 186, 1), np.float32), np.array([1, 3])
    # The same range in both inputs: captum takes one standard deviation for all.
    inputs[:, 0], inputs[:, 1] = 0, 1
    options = {"samples": samples, "noise": 0.15}
    peer = attr.NoiseTunnel(attr.Saliency(torch_copy(heartbeat)))
    torch.manual_seed(0)
    theirs = {
        kind: channels_last(
            peer.attribute(
                channels_first(inputs),
                nt_type=kind,
                nt_samples=samples,
                nt_samples_batch_size=100,
                stdevs=0.15,
                target=torch.tensor(targets),
                abs=False,
            )
        )
        for kind in ("smoothgrad", "vargrad")
    }
    mean = smoothgrad.explain(opened(heartbeat), inputs, targets, rng, mode="signed", **options)
    variance = vargrad.explain(opened(heartbeat), inputs, targets, rng, **options)
    error = np.sqrt(2 * theirs["vargrad"] / samples)
    apart = np.abs(mean - theirs["smoothgrad"]) / error
    # Of 372 differences of means, that each lies within five standard errors; and their spread is that of chance.
    assert apart.max() < 5
    assert 0.8 < np.sqrt(np.mean(apart**2)) < 1.2
    np.testing.assert_allclose(variance.sum(), theirs["vargrad"].sum(), rtol=0.02)


# Where it is wrong ------------------------------------------------------------------------------------------------------


def test_its_trapezoidal_rule_lacks_a_share_of_one_in_n(linear, rng):
    """Weights 1/2n, 1/n, …, 1/n, 1/2n at n points sum to (n - 1)/n; on a linear model the answer is known."""
    model, weights, _ = linear
    inputs, targets = rng.random((4, 12, 3), np.float32), np.arange(4)
    exact = inputs * np.moveaxis(weights, -1, 0)
    for points in (11, 51):
        theirs = attr.IntegratedGradients(torch_copy(model)).attribute(
            channels_first(inputs), target=torch.tensor(targets), n_steps=points, method="riemann_trapezoid"
        )
        close(channels_last(theirs), exact * (points - 1) / points)
        close(integrated_gradients.explain(ExplainedModel(model), inputs, targets, rng, steps=points - 1), exact)


def test_but_for_that_share_its_trapezoidal_rule_is_ours(case):
    model, copy, inputs, targets, x, classes = case
    # Away from a baseline of zeros, where all positions of a convolution are equal and the maxima of the pooling tie.
    options = {"steps": 50, "baseline": "noise"}
    start = integrated_gradients.reference(inputs, np.random.default_rng(3), **options)
    theirs = attr.IntegratedGradients(copy).attribute(
        x, channels_first(start), target=classes, n_steps=51, method="riemann_trapezoid"
    )
    ours = integrated_gradients.explain(model, inputs, targets, np.random.default_rng(3), **options)
    close(ours, channels_last(theirs) * 51 / 50, 1e-3)


def test_its_last_window_is_cut_short_where_ours_is_whole(linear, rng):
    """Of 12 samples in steps of 3, a window of 5 begins at 0, 3, 6, 9 there (the last covers 3), at 0, 3, 6, 7 here."""
    model, weights, _ = linear
    inputs, targets = rng.random((1, 12, 3), np.float32), np.array([2])
    product = (inputs[0] * weights[..., 2]).sum(1)

    def averaged(starts):
        drops = [(start, product[start : start + 5].sum()) for start in starts]
        return [np.mean([drop for start, drop in drops if start <= t < start + 5]) for t in range(12)]

    theirs = attr.Occlusion(torch_copy(model)).attribute(
        channels_first(inputs), sliding_window_shapes=(3, 5), strides=(3, 3), baselines=0, target=torch.tensor(targets)
    )
    ours = occlusion.explain(ExplainedModel(model), inputs, targets, rng, window=5, stride=3, channels="together")
    close(channels_last(theirs)[0, :, 0], averaged([0, 3, 6, 9]))
    close(ours[0, :, 0], averaged([0, 3, 6, 7]))
