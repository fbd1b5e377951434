"""Influence over checkpoints: agreement with captum's TracInCPFast on the same weights, learning rates and examples."""

import numpy as np
import pytest

from pellucid.network.checkpoint_weights import Checkpoint
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.shared.checkpoint_influence import Influence
from tests.support.torch_copy import channels_first, torch_copy
from tests.support.view_data import given

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")
influence = pytest.importorskip("captum.influence", reason="captum is a peer: `make peers` installs it")
RATES = [0.3, 0.2, 0.05]


class WithOnes(torch.nn.Module):
    """Features with a 1 behind them: captum leaves the bias out, which is the weight of such a feature."""

    def forward(self, features):
        return torch.cat([features, torch.ones(len(features), 1)], 1)


def with_bias_as_weight(model):
    """The network in PyTorch, whose last layer has no bias but one feature more."""
    *before, last = torch_copy(model)
    head = torch.nn.Linear(last.in_features + 1, last.out_features, bias=False)
    head.weight.data = torch.cat([last.weight.data, last.bias.data[:, None]], 1)
    return torch.nn.Sequential(*before, WithOnes(), head).eval()


def test_it_is_that_of_captum(keras):
    layers = keras.layers
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(),
         layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(12, activation="relu"), layers.Dense(3),
         layers.Softmax()]
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(46, 8, 8, 1)).astype(np.float32), rng.integers(0, 3, 46)
    explained, kept, peers = ExplainedModel(model), [], []
    for epoch, rate in enumerate(RATES, 1):
        model.fit(x, y, batch_size=5, verbose=0)
        kept.append(Checkpoint(epoch, rate, explained.weights))
        peers.append(with_bias_as_weight(model))
    data = given(explained, train=(x[:40], y[:40]), test=(x[40:], y[40:]))
    data.examples.update(labels=y[40:], targets=y[40:])
    data.__dict__["checkpoints"] = kept
    found = Influence.of(explained, data, np.arange(40), on_loss=True)

    def load(network, number):
        network.load_state_dict(peers[number].state_dict())
        return RATES[number]

    network = with_bias_as_weight(model)
    train, test = ((channels_first(x[part]), torch.tensor(y[part])) for part in (slice(40), slice(40, None)))
    peer = influence.TracInCPFast(
        network, network[-1], torch.utils.data.TensorDataset(*train), [0, 1, 2], load,
        torch.nn.CrossEntropyLoss(reduction="sum"), batch_size=16,
    )  # fmt: skip
    theirs = peer.influence(test).detach().numpy()
    assert np.ptp(theirs) > 0.1
    np.testing.assert_allclose(found.on_examples, theirs, atol=2e-5 * np.abs(theirs).max())
    themselves = peer.self_influence(train).detach().numpy()
    np.testing.assert_allclose(found.on_themselves, themselves, atol=2e-5 * themselves.max())
