"""Agreement with xplique's TCAV and CRAFT on the same network."""

import numpy as np
import pytest

from pellucid.explain.shared.total_indices import total_indices
from pellucid.network.explained_model import ExplainedModel
from pellucid.views import concept_parts
from pellucid.views.shared.concept_vectors import Space, vector
from pellucid.views.shared.crops import Crops, Maps
from pellucid.views.shared.factorised import Parts
from tests.support.absent import absent
from tests.support.logits import logits_copy
from tests.support.xplique_peer import global_sensitivity

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def peer(keras):
    try:
        global_sensitivity()
        with absent("cv2", "einops", "tensorflow_probability"):
            import xplique.concepts as concepts
    except ImportError:
        pytest.skip("xplique is a peer: `make peers` installs it")
    return concepts


@pytest.fixture(scope="module")
def network(keras):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 1))
    maps = keras.layers.Conv2D(6, 3, activation="relu", name="maps")(inputs)
    flat = keras.layers.Flatten()(keras.layers.MaxPooling2D(2)(maps))
    hidden = keras.layers.Dense(12, activation="relu")(flat)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="head")(hidden))


def test_scores_and_vectors_of_tcav_agree(peer, network, rng, monkeypatch):
    import xplique.concepts.cav as cav_module
    from sklearn.linear_model import LogisticRegression

    model, copy = ExplainedModel(network), logits_copy(network)
    x, bright, dark = rng.random((3, 40, 16, 16, 1), np.float32)
    bright[:, 4:8, 4:8] += 1
    space = Space(model, "maps", "each")
    sides = [space.features(iter([side]), 40).astype(np.float64) for side in (bright, dark)]
    ours, _ = vector(*sides, "logistic", 0.1)
    # The same penalty: ours is of features divided by their distance from the mean, and beside the mean loss.
    size = np.concatenate(sides).var(0).sum()
    classifier = LogisticRegression(C=1 / (0.1 * 80 * size), tol=1e-8, max_iter=20_000)
    # Theirs keeps a random fifth of the examples for itself: here, it is fitted to all.
    monkeypatch.setattr(cav_module, "train_test_split", lambda rows, answers, test_size: (rows, rows, answers, answers))
    theirs = peer.Cav(copy, "maps", classifier)(bright, dark).numpy()
    assert ours @ theirs.ravel() / np.linalg.norm(theirs) > 0.9999
    tcav = peer.Tcav(copy, "maps")
    for label in range(3):
        slopes = space.gradients(x, np.full(40, label))
        derivatives = tcav.directional_derivative(x, label, theirs).numpy()
        np.testing.assert_allclose(slopes @ theirs.ravel(), derivatives, atol=1e-5 * np.abs(derivatives).max())
        assert (slopes @ theirs.ravel() > 0).mean() == pytest.approx(tcav(x, label, theirs))


def test_importance_of_craft_agrees_on_the_same_concepts_and_masks(peer, network, keras, rng, monkeypatch):
    model, copy = ExplainedModel(network), logits_copy(network)
    latent = keras.Model(copy.inputs[0], copy.get_layer("maps").output)
    rest = keras.Sequential([keras.Input(latent.output_shape[1:]), *copy.layers[2:]])
    x = rng.random((6, 16, 16, 1), np.float32)
    craft = peer.CraftTf(latent, rest, number_of_concepts=4, batch_size=64, patch_size=5)
    _, _, basis = craft.fit(x, class_id=1)
    designs = 64
    import xplique.concepts.craft as module

    halton = module.HaltonSequenceRS()(4, nb_design=designs)
    monkeypatch.setattr(module, "HaltonSequenceRS", lambda: lambda *_, **__: halton)
    theirs = craft.estimate_importance(x[:2], nb_design=designs)
    amounts = craft.transform(x[:2])
    masks = np.asarray(halton).reshape(-1, 4)
    scores = []
    for example, amount in zip(x[:2], amounts, strict=True):
        maps = concept_parts._with(amount.reshape(-1, 4), masks, basis.astype(np.float64), latent.output_shape[1:])
        scores.append(Maps(model, "maps").scores(example, 1, maps))
    # Their masks: the first sample, the second, and the first with each column of the second.
    designs_of_masks = np.stack(scores, -1).reshape(6, designs, 2)
    ours = total_indices(designs_of_masks[[0, 2, 3, 4, 5]].astype(np.float64))
    np.testing.assert_allclose(ours.mean(0), theirs, rtol=0.02, atol=1e-4)


def test_crops_and_amounts_of_craft_agree(peer, network, keras, rng, monkeypatch):
    """Theirs are resized by a cubic, ours by a linear interpolation: here, both by ours."""
    import tensorflow as tf

    from pellucid.explain.shared.upsampling import upsample

    model, copy = ExplainedModel(network), logits_copy(network)
    latent = keras.Model(copy.inputs[0], copy.get_layer("maps").output)
    x = rng.random((3, 16, 16, 1), np.float32)
    craft = peer.CraftTf(latent, latent, number_of_concepts=3, batch_size=64, patch_size=5)
    monkeypatch.setattr(tf.image, "resize", lambda cuts, size, method: upsample(cuts[..., 0].numpy(), size)[..., None])
    _, theirs = craft._extract_patches(x)
    starts = np.array([(row, column) for row in (0, 4, 8) for column in (0, 4, 8)])
    maps = Maps(model, "maps")
    ours = maps.of_crops(x, Crops((5, 5), starts, (16, 16)), "resized")
    np.testing.assert_allclose(ours.reshape(-1, 6), np.asarray(theirs), rtol=1e-4, atol=1e-6)
    craft.fit(x)
    basis = craft.factorization.reducer.components_.astype(np.float64)
    features = maps.of(x).reshape(-1, 6)
    amounts = Parts(basis, np.zeros((0, 0, 3)), 0.0).amounts_of(features)
    craft.factorization.reducer.set_params(alpha_W=0.0, tol=1e-6, max_iter=2000)
    plain = craft.transform(x).reshape(-1, 3)
    error = [np.square(features - found @ basis).sum() for found in (amounts, plain)]
    assert error[0] <= error[1] * 1.001
