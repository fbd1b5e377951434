"""Layers and neurons: agreement with captum on the same weights, and a closed form where it is not right."""

import numpy as np
import pytest

from pellucid.explain.shared import line
from pellucid.views.shared import layer_shares
from tests.support.explained import opened
from tests.support.torch_copy import channels_first, channels_last, torch_copy

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")
attr = pytest.importorskip("captum.attr", reason="captum is a peer: `make peers` installs it")
# Without the peers, that module ends at the same lines.
from tests.peers.test_captum import close, quietly  # noqa: E402

STEPS = 20
# Of each network a convolution, or the activation behind it, and a dense layer.
PLACES = [("heartbeat", "conv_2"), ("multivariate", "relu_2"), ("digit", "conv_1"), ("digit", "dense_1")]


@pytest.fixture(params=PLACES, ids=lambda place: "-".join(place))
def case(request, rng):
    """A network, its copy, the layer in both, two ends of a line and the targets, as arrays and as tensors."""
    network, layer = request.param
    model = request.getfixturevalue(network)
    copy = torch_copy(model)
    module = getattr(copy, f"{layer}_activation", None) or getattr(copy, layer)
    inputs = rng.random((4, *model.input_shape[1:]), np.float32)
    # Away from a baseline of zeros, where the maxima of the pooling tie.
    start = (0.2 * rng.random(inputs.shape)).astype(np.float32)
    targets = np.arange(4)
    tensors = channels_first(inputs), channels_first(start), torch.tensor(targets)
    return opened(model), layer, copy, module, (inputs, start, targets), tensors


def test_layer_conductance_is_the_mean_of_both_directions(case):
    """captum takes the gradient at the first end of each interval; from the other end of the line it is the last."""
    model, layer, copy, module, ends, (x, start, classes) = case
    peer, options = attr.LayerConductance(copy, module), {"n_steps": STEPS, "method": "riemann_trapezoid"}
    there = peer.attribute(x, start, target=classes, **options)
    back = peer.attribute(start, x, target=classes, **options)
    theirs = channels_last((there - back) / 2) if there.ndim > 2 else ((there - back) / 2).detach().numpy()
    close(layer_shares.shares(model, *ends, layer, STEPS, "conductance"), theirs, 1e-4)


def test_integrated_gradients_of_a_layer_but_for_the_share_that_its_rule_lacks(case):
    model, layer, copy, module, ends, (x, start, classes) = case
    theirs = attr.LayerIntegratedGradients(copy, module).attribute(
        x, start, target=classes, n_steps=STEPS + 1, method="riemann_trapezoid"
    )
    theirs = theirs * (STEPS + 1) / STEPS
    theirs = channels_last(theirs) if theirs.ndim > 2 else theirs.detach().numpy()
    close(layer_shares.shares(model, *ends, layer, STEPS, "integrated_gradients"), theirs, 3e-4)


def test_internal_influence_but_for_the_share_that_its_rule_lacks(case):
    """As of integrated gradients: its trapezoidal weights at n points sum to (n - 1)/n."""
    model, layer, copy, module, ends, (x, start, classes) = case
    theirs = attr.InternalInfluence(copy, module).attribute(
        x, start, target=classes, n_steps=STEPS + 1, method="riemann_trapezoid"
    )
    theirs = theirs * (STEPS + 1) / STEPS
    theirs = channels_last(theirs) if theirs.ndim > 2 else theirs.detach().numpy()
    close(layer_shares.shares(model, *ends, layer, STEPS, "influence"), theirs, 1e-4)


def test_activation_times_gradient(case):
    model, layer, copy, module, ends, (x, _, classes) = case
    theirs = attr.LayerGradientXActivation(copy, module).attribute(x, target=classes)
    theirs = channels_last(theirs) if theirs.ndim > 2 else theirs.detach().numpy()
    close(layer_shares.shares(model, *ends, layer, STEPS, "activation_times_gradient"), theirs)


def test_neurons(case):
    """The neuron of the largest conductance of the first example, whose gradient is not zero."""
    model, layer, copy, module, (inputs, start, targets), (x, begin, classes) = case
    found = layer_shares.shares(model, inputs, start, targets, layer, STEPS, "conductance")[0]
    *position, unit = np.unravel_index(np.abs(found).argmax(), found.shape)
    units = np.tile([*position, unit], (4, 1))
    chosen = (int(unit), *(int(place) for place in position))
    x.requires_grad_()
    theirs = channels_last(quietly(attr.NeuronGradient(copy, module), x, chosen))
    close(model.neuron_gradient(inputs, units, layer), theirs)
    for peer, through in (("NeuronIntegratedGradients", None), ("NeuronConductance", targets)):
        options = {"n_steps": STEPS + 1, "method": "riemann_trapezoid"}
        if through is not None:
            options["target"] = classes
        theirs = channels_last(quietly(getattr(attr, peer)(copy, module), x, chosen, begin, **options))
        mean = line.mean_gradient(
            inputs,
            start,
            STEPS,
            model.batch_size(backward=True),
            lambda points, rows, through=through: model.neuron_gradient(
                points, units[rows], layer, None if through is None else through[rows]
            ),
        )
        close((inputs - start) * mean, theirs * (STEPS + 1) / STEPS, 1e-4)


def test_its_conductance_does_not_add_up_where_ours_does(digit, rng):
    """Its default leaves out both ends of the line: of a linear layer's own outputs the whole change is known."""
    model, copy = opened(digit), torch_copy(digit)
    inputs, start = rng.random((2, 4, 8, 8, 1), np.float32)
    targets = np.arange(4)
    change = layer_shares.change(model, inputs, start, targets)
    ours = layer_shares.shares(model, inputs, start, targets, "dense_1", STEPS, "conductance").sum(1)
    theirs = attr.LayerConductance(copy, copy.dense_1_activation).attribute(
        channels_first(inputs), channels_first(start), target=torch.tensor(targets), n_steps=STEPS
    )
    ours_off = np.abs(ours - change).max()
    assert ours_off < 1e-3 * np.abs(change).max()
    assert np.abs(theirs.sum(1).detach().numpy() - change).max() > 10 * ours_off
