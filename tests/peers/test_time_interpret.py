"""Learned masks against those of time-interpret, on the published series: the same steps, where they are defined alike."""

from unittest import mock

import numpy as np
import pytest

from pellucid.explain import dynamask, extremal_mask
from pellucid.network import learned_masks
from pellucid.network.explained_model import ExplainedModel
from tests.bench import published, published_masks

pytestmark = pytest.mark.slow
SERIES, STEPS = 2, 20


@pytest.fixture(scope="module")
def tint():
    torch = pytest.importorskip("torch")
    lightning = pytest.importorskip("pytorch_lightning")
    pytest.importorskip("tint")
    torch.manual_seed(0)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return torch, lightning.Trainer(max_epochs=STEPS, accelerator="cpu", enable_model_summary=False, **quiet)


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(5)
    return published.series(SERIES, rng), published.evidence("rare feature", 1, rng)[0]


def white_box(torch, truth):
    inside = torch.from_numpy(truth.astype(np.float32))
    return lambda x: (x * inside).square().sum(-1)


def learned(keras, method, x, truth, **parameters):
    model = ExplainedModel(published_masks.black_box(truth))
    targets = np.full(len(x), int(truth.any(1).argmax()))
    rng = np.random.default_rng(0)
    return method.explain(model, x, targets, rng, compare="all", **{**parameters, "iterations": STEPS})


def test_dynamask_in_order_moves_the_evidence_as_published(keras, tint, drawn):
    torch, trainer = tint
    from tint import attr
    from tint.attr.models import MaskNet

    x, truth = drawn
    box = white_box(torch, truth)

    class Penalised(MaskNet):
        # Lightning 1 called a hook that added it; under Lightning 2 the library leaves it out.
        def training_step(self, batch, index):
            return self.net.regularisation(self.step(batch, index, "train"))

    given = {"keep_ratio": [0.05], "size_reg_factor_init": 1.0, "size_reg_factor_dilation": 1.0, "lr": 0.003}
    net = Penalised(box, "gaussian_blur", batch_size=SERIES, **given)
    theirs = attr.DynaMask(box).attribute(torch.from_numpy(x), trainer=trainer, mask_net=net, batch_size=SERIES)
    with (
        mock.patch.object(published_masks.masks, "area_penalty", published_masks.area_in_order),
        # Their loss is a mean over the series.
        mock.patch.object(learned_masks, "_TINY", SERIES * learned_masks._TINY),
    ):
        parameters = {
            **published_masks.METHODS[published_masks.IN_ORDER][1],
            "areas": [0.05],
            "dilation": 1.0,
            "rate": 0.003,
        }
        ours = learned(keras, dynamask, x, truth, **parameters)
    # A value of the evidence that is level with one beside it may be kept there and not here.
    assert (np.abs(ours - theirs.numpy())[:, truth] < 1e-3).mean() > 0.95
    assert np.abs(ours[:, truth] - 0.5).max() > 0.03
    # Which of the equal values beside the evidence are kept depends on the order; how many does not.
    np.testing.assert_allclose((ours > 0.5).sum((1, 2)), (theirs.numpy() > 0.5).sum((1, 2)), atol=5)


def test_the_scores_of_a_fold_are_those_of_the_library(tint, drawn):
    torch, _ = tint
    from tint.metrics import white_box as metrics

    truth = np.repeat(drawn[1][np.newaxis], SERIES, axis=0)
    maps = np.random.default_rng(1).random(truth.shape).astype(np.float32) * np.where(truth, 1, 0.8)
    pair = torch.from_numpy(maps.astype(np.float32)), torch.from_numpy(truth.astype(np.float32))
    theirs = [float(metric(*pair)) for metric in (metrics.aup, metrics.aur, metrics.information, metrics.entropy)]
    # With the scikit-learn of today, the library's curve does not end at the weakest evidence.
    np.testing.assert_allclose(published.scores(maps, truth, whole=True), theirs, rtol=2e-3)


def test_an_extremal_mask_with_a_shared_network_is_that_of_the_library(keras, tint, drawn):
    torch, trainer = tint
    from tint import attr
    from tint.attr.models import ExtremalMaskNet
    from tint.models import MLP, RNN

    x, truth = drawn
    box, width = white_box(torch, truth), x.shape[2]
    layers = RNN(input_size=width, rnn="gru", hidden_size=width, bidirectional=True)
    last = MLP([2 * width, width])
    state = {name: values.detach().numpy().T.copy() for name, values in layers.rnn.named_parameters()}
    kernel, bias = (values.detach().numpy().T.copy() for values in last.parameters())

    class Started(published_masks.SharedRecurrent):
        def start(self, rng):
            found = {"out": kernel, "out_bias": bias}
            for way, suffix in (("ahead", ""), ("back", "_reverse")):
                found[f"{way}_input"], found[f"{way}_state"] = (state[f"weight_{at}_l0{suffix}"] for at in ("ih", "hh"))
                found[f"{way}_input_bias"] = state[f"bias_ih_l0{suffix}"]
                found[f"{way}_state_bias"] = state[f"bias_hh_l0{suffix}"]
            return found

    net = ExtremalMaskNet(box, model=torch.nn.Sequential(layers, last), batch_size=SERIES, lr=0.02)
    theirs = attr.ExtremalMask(box).attribute(
        torch.from_numpy(x), trainer=trainer, mask_net=net, batch_size=SERIES, baselines=0
    )
    with (
        mock.patch.object(extremal_mask, "Recurrent", Started),
        # Here a perturbation is in spreads of its channel, and small ones count by their square.
        mock.patch.object(extremal_mask, "_spread", lambda inputs, free: np.ones_like(inputs[:, :1])),
        mock.patch.object(extremal_mask, "_ROUNDED", 1e-6),
        mock.patch.object(learned_masks, "_TINY", SERIES * learned_masks._TINY),
    ):
        ours = learned(keras, extremal_mask, x, truth, network="gru", rate=0.02)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=0.01)
    assert np.abs(ours[:, truth] - 0.5).max() > 0.1
