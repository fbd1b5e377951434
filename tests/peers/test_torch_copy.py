"""The copy of a network in PyTorch answers as the network does."""

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from tests.support.torch_copy import channels_first, channels_last, torch_copy

pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")


@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit", "gap_series", "gap_image"])
def test_logits_agree(request, network, rng):
    model = request.getfixturevalue(network)
    inputs = rng.normal(size=(7, *model.input_shape[1:])).astype(np.float32)
    expected = ExplainedModel(model).logits(inputs)
    found = torch_copy(model)(channels_first(inputs)).detach().numpy()
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_strides_dilation_padding_groups_and_average_pooling(keras, rng):
    layers = keras.layers
    keras.utils.set_random_seed(12)
    model = keras.Sequential(
        [
            layers.Input((21, 17, 4)),
            layers.Conv2D(8, (3, 5), padding="same", activation="elu", bias_initializer="random_normal"),
            layers.Conv2D(6, 3, strides=(2, 1), groups=2, use_bias=False),
            layers.Activation("tanh"),
            layers.AveragePooling2D((2, 3), strides=(1, 2)),
            layers.Conv2D(5, 2, dilation_rate=2),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
            layers.Softmax(),
        ]
    )
    inputs = rng.normal(size=(4, 21, 17, 4)).astype(np.float32)
    expected = ExplainedModel(model).logits(inputs)
    found = torch_copy(model)(channels_first(inputs)).detach().numpy()
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_module_has_the_name_and_the_output_of_its_layer(digit, rng):
    inputs = rng.random((3, 8, 8, 1), np.float32)
    copy, seen = torch_copy(digit), []
    copy.conv_1_activation.register_forward_hook(lambda module, given, output: seen.append(output))
    copy(channels_first(inputs))
    np.testing.assert_allclose(channels_last(seen[0]), ExplainedModel(digit).activations(inputs, "conv_1"), atol=1e-6)


def test_a_layer_without_a_counterpart_is_refused(attention):
    with pytest.raises(ValueError, match="lstm: no counterpart for LSTM"):
        torch_copy(attention)


def test_a_network_with_branches_computes_the_same(keras):
    """xresnet1d101 with strides and an odd number of steps, and inception1d with pooling of negative values."""
    import torch

    from pellucid.models import inception1d, xresnet1d101
    from tests.conftest import settled
    from tests.support.logits import logits_copy
    from tests.support.torch_graph import torch_graph

    x = np.random.default_rng(0).standard_normal((2, 90, 3), np.float32)
    for model in (
        settled(xresnet1d101.build((90, 3), 4, blocks=[1, 2], filters=8, hidden=6)),
        settled(inception1d.build((90, 3), 4, depth=3, filters=4, bottleneck=4, kernel=8)),
    ):
        with torch.no_grad():
            found = torch_graph(model)(channels_first(x)).numpy()
        np.testing.assert_allclose(found, logits_copy(model)(x, training=False), rtol=1e-4, atol=1e-5)
