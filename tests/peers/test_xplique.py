"""Agreement with xplique on the same network where it is right, and known answers where it is not."""

import importlib

import numpy as np
import pytest

from pellucid.explain import hsic, occlusion, rise, saliency, sobol
from pellucid.explain.shared.segments import segmentation
from pellucid.explain.shared.total_indices import total_indices
from pellucid.network.explained_model import ExplainedModel
from tests.support.explained import opened
from tests.support.logits import logits_copy
from tests.support.xplique_peer import global_sensitivity, xplique_attributions

pytest.importorskip("tensorflow")

NETWORKS = ["heartbeat", "multivariate", "digit"]


@pytest.fixture(scope="module")
def peers(keras):
    try:
        return xplique_attributions()
    except ImportError:
        pytest.skip("xplique is a peer: `make peers` installs it")


def sample(model, rng, n=4):
    inputs, targets = rng.random((n, *model.input_shape[1:]), np.float32), np.arange(n)
    return inputs, targets, np.eye(model.output_shape[-1], dtype=np.float32)[targets]


def close(ours, theirs, share=1e-5):
    largest = np.abs(theirs).max()
    assert largest > 0
    np.testing.assert_allclose(ours, theirs, atol=share * largest)


# Agreement --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("method", "peer", "ours", "theirs"),
    [
        ("saliency", "Saliency", {}, {}),
        ("gradient_input", "GradientInput", {}, {}),
        ("guided_backpropagation", "GuidedBackprop", {}, {}),
        ("deconvnet", "DeconvNet", {}, {}),
        # Its steps are points, ours are the intervals between them.
        ("integrated_gradients", "IntegratedGradients", {"steps": 30}, {"steps": 31}),
    ],
)
def test_gradient_methods_agree(request, peers, network, method, peer, ours, theirs, rng):
    model = request.getfixturevalue(network)
    inputs, targets, one_hot = sample(model, rng)
    expected = getattr(peers, peer)(logits_copy(model), reducer=None, **theirs).explain(inputs, one_hot)
    found = importlib.import_module(f"pellucid.explain.{method}").explain(opened(model), inputs, targets, rng, **ours)
    close(found, expected.numpy())


def test_sobol_indices_agree_on_the_same_masks(peers, digit, rng):
    """Theirs as they are before they are drawn over the image by a cubic interpolation."""
    import tensorflow as tf
    from xplique.attributions.global_sensitivity_analysis import replicated_designs, sobol_estimators

    inputs, targets, one_hot = sample(digit, rng, 2)
    first, second = rng.random((2, 16, 16), np.float32)
    estimated = []

    class Sampler(replicated_designs.ReplicatedSampler):
        def __call__(self, dimension, nb_design):
            mixed = [np.where(np.arange(16) == index, second, first) for index in range(16)]
            return tf.constant(np.concatenate([first, second, *mixed]))

    class Estimator(sobol_estimators.JansenEstimator):
        def __call__(self, masks, outputs, nb_design):
            estimated.append(np.array(super().__call__(masks, outputs, nb_design)))
            return estimated[-1]

    peer = peers.SobolAttributionMethod(
        logits_copy(digit), grid_size=4, nb_design=16, sampler=Sampler(), estimator=Estimator()
    )
    peer.explain(inputs, one_hot)
    labels = segmentation(inputs, segments=16, channels="together")
    zeros = np.zeros_like(inputs)
    scores = sobol.masked_scores(opened(digit), inputs, zeros, targets, labels, first, second)
    close(total_indices(scores), np.array(estimated).reshape(2, 16), 1e-3)


def test_hsic_agrees_on_the_same_masks(rng):
    """Its width of the scores' kernel is the median of the scores themselves, not of their distances: ours is given."""
    global_sensitivity()
    import tensorflow as tf
    from xplique.attributions.global_sensitivity_analysis import hsic_estimators, kernels

    keep, scores = rng.random((64, 9)) < 0.5, rng.normal(size=64)
    distances = np.abs(scores[:, np.newaxis] - scores)
    width = np.float32(np.median(distances[distances > 0]))

    class Estimator(hsic_estimators.BinaryEstimator):
        def output_kernel_func(self, outputs, others):
            return kernels.rbf(outputs, others, width)

    expected = Estimator()(tf.constant(keep.reshape(64, 3, 3, 1), tf.float32), tf.constant(scores), 64)
    close(hsic.dependence(keep, scores), np.ravel(expected) / 64, 1e-3)


# Where it is wrong ------------------------------------------------------------------------------------------------------


def test_its_occlusion_sums_overlaps_and_never_covers_the_trailing_border(peers, linear, rng):
    """On a linear model a window drops the logit by its own sum of weight × value."""
    model, weights, _ = linear
    inputs, targets, one_hot = sample(model, rng)
    product = np.einsum("ntc,tcn->nt", inputs, weights)

    def drops(starts):
        """(starts, N, time): each window's drop where it lies, zero elsewhere."""
        found = np.zeros((len(starts), *product.shape))
        for row, start in zip(found, starts, strict=True):
            row[:, start : start + 5] = product[:, start : start + 5].sum(1, keepdims=True)
        return found

    peer = peers.Occlusion(logits_copy(model), patch_size=(5, 3), patch_stride=(3, 3))
    theirs = peer.explain(inputs, one_hot).numpy()
    # Of 12 samples, the windows at 0, 3 and 6 leave the last one out.
    close(theirs, np.repeat(drops([0, 3, 6]).sum(0)[..., np.newaxis], 3, -1))
    assert (theirs[:, 11] == 0).all()
    assert np.abs(product[:, 11]).min() > 0
    ours = occlusion.explain(ExplainedModel(model), inputs, targets, rng, window=5, stride=3, channels="together")
    count = np.array([sum(start <= t < start + 5 for start in (0, 3, 6, 7)) for t in range(12)])
    close(ours, np.repeat((drops([0, 3, 6, 7]).sum(0) / count)[..., np.newaxis], 3, -1))


def test_it_ignores_the_output_layer_and_explains_the_softmax(keras, peers, rng):
    """With logits x · W, the gradient of a logit is a column of W; that of a probability is smaller and no column."""
    layers = keras.layers
    keras.utils.set_random_seed(13)
    model = keras.Sequential(
        [layers.Input((12, 3)), layers.Flatten(), layers.Dense(4, name="logits"), layers.Softmax(name="softmax")]
    )
    inputs, targets, one_hot = sample(model, rng)
    columns = np.moveaxis(model.get_layer("logits").kernel.numpy().reshape(12, 3, 4), -1, 0)
    theirs = peers.Saliency(model, output_layer="logits", reducer=None).explain(inputs, one_hot).numpy()
    np.testing.assert_array_equal(theirs, peers.Saliency(model, reducer=None).explain(inputs, one_hot).numpy())
    # d p_c / d x = p_c · (column c - mean column, weighted by the probabilities).
    probabilities = model(inputs).numpy()
    mean = np.einsum("nk,ktc->ntc", probabilities, columns)
    close(theirs, np.abs(probabilities[np.arange(4), targets, np.newaxis, np.newaxis] * (columns - mean)))
    close(saliency.explain(ExplainedModel(model), inputs, targets, rng), np.abs(columns))


def test_its_grad_cam_raises_on_series(peers, heartbeat, rng):
    inputs, targets, one_hot = sample(heartbeat, rng)
    with pytest.raises(ValueError, match="resize|images"):
        peers.GradCAM(logits_copy(heartbeat)).explain(inputs, one_hot)
    ours = importlib.import_module("pellucid.explain.grad_cam").explain(opened(heartbeat), inputs, targets, rng)
    assert ours.shape == inputs.shape


def test_its_rise_cuts_all_masks_of_a_batch_with_one_shift(peers):
    """The paper shifts each mask by itself (section 3.2); with one shift, the edges of all cells lie in the same place."""
    import tensorflow as tf

    tf.random.set_seed(0)
    image = tf.ones((28, 28, 1))
    grids = tf.constant(np.tile(np.array([[1, 0], [0, 1]], bool)[..., np.newaxis], (50, 1, 1, 1)))
    _, theirs = peers.Rise._apply_masks(image, grids)
    assert np.ptp(theirs.numpy(), axis=0).max() == 0
    rng = np.random.default_rng(0)
    ours = rise.smooth(grids.numpy(), rng.integers(14, size=(50, 2)), (28, 28))
    assert np.ptp(ours, axis=0).max() > 0.5
