"""Learned masks and temporal saliency rescaling against linear models, whose masks and maps are known in closed form."""

import numpy as np
import pytest

from pellucid.datasets import synthetic_series
from pellucid.errors import InputError
from pellucid.explain import dynamask, extremal_mask, extremal_perturbation, temporal_saliency_rescaling
from pellucid.explain.shared import masks
from pellucid.explain.shared.recurrent import Recurrent
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.meaning import meaning
from pellucid.network.runtime import start

ALONE = {"perturbation": "fade", "smoothness": 0, "channels": "each"}


def linear(keras, rng, shape, positive=False):
    """A linear model, its inputs, targets, and what each value adds to the target's logit."""
    layers, size = keras.layers, int(np.prod(shape))
    model = keras.Sequential([layers.Input(shape), layers.Flatten(), layers.Dense(3)])
    weights = rng.normal(size=(size, 3))
    inputs, targets = rng.normal(size=(4, *shape)).astype(np.float32), np.array([0, 1, 2, 0])
    if positive:
        weights, inputs = np.abs(weights), np.abs(inputs)
    model.layers[-1].set_weights([weights, np.ones(3)])
    parts = (inputs.reshape(4, -1) * weights[:, targets].T).reshape(inputs.shape)
    return ExplainedModel(model), inputs, targets, parts


@pytest.fixture(scope="module")
def signed(keras):
    return linear(keras, np.random.default_rng(3), (20, 2))


@pytest.fixture(scope="module")
def image(keras):
    return linear(keras, np.random.default_rng(4), (6, 5, 2))


@pytest.fixture(scope="module")
def positive(keras):
    return linear(keras, np.random.default_rng(3), (20, 2), positive=True)


def require_largest(found, parts, count):
    """Of each example the `count` largest parts are kept, and no others."""
    for mask, part in zip(found.reshape(len(found), -1), parts.reshape(len(parts), -1), strict=True):
        order = np.argsort(-part)
        assert mask[order[:count]].min() > 0.98
        assert mask[order[count:]].max() < 0.05


@pytest.mark.parametrize("area", [0.1, 0.25])
@pytest.mark.parametrize("game", ["preserve", "delete"])
def test_an_extremal_mask_of_a_linear_model_keeps_the_largest_contributions(signed, area, game, rng):
    model, inputs, targets, parts = signed
    found = extremal_perturbation.explain(model, inputs, targets, rng, areas=[area], game=game, **ALONE)
    require_largest(found, parts, round(area * 40))


def test_an_extremal_mask_of_an_image_keeps_the_largest_pixels(image, rng):
    model, inputs, targets, parts = image
    given = {**ALONE, "channels": "together"}
    found = extremal_perturbation.explain(model, inputs, targets, rng, areas=[0.2], **given)
    require_largest(found[..., 0], parts.sum(-1), 6)
    np.testing.assert_array_equal(found[..., 0], found[..., 1])


def test_the_unit_of_the_score_does_not_change_a_mask(signed, keras, rng):
    model, inputs, targets, _ = signed
    layer = model._model.layers[-1]
    large = keras.Sequential([keras.layers.Input((20, 2)), keras.layers.Flatten(), keras.layers.Dense(3)])
    large.layers[-1].set_weights([1024 * value for value in layer.get_weights()])
    plain, scaled = (
        extremal_perturbation.explain(each, inputs, targets, rng, **ALONE) for each in (model, ExplainedModel(large))
    )
    np.testing.assert_allclose(scaled, plain, atol=1e-5)


@pytest.mark.parametrize("perturbation", ["fade_reference", "fade_moving_average", "gaussian_blur"])
def test_masks_of_one_example_do_not_depend_on_the_others(positive, perturbation, rng):
    model, inputs, targets, _ = positive
    together = dynamask.explain(model, inputs, targets, rng, perturbation=perturbation)
    alone = dynamask.explain(model, inputs[2:3], targets[2:3], rng, perturbation=perturbation)
    np.testing.assert_allclose(alone, together[2:3], atol=1e-5)


@pytest.mark.parametrize("area", [0.1, 0.25, 0.5])
def test_dynamask_of_a_linear_model_keeps_the_largest_contributions(positive, area, rng):
    model, inputs, targets, parts = positive
    found = dynamask.explain(model, inputs, targets, rng, areas=[area], perturbation="fade_reference")
    require_largest(found, parts, round(area * 40))


def test_dynamask_shows_the_smallest_mask_whose_error_is_small(positive, rng):
    model, inputs, targets, parts = positive
    found = dynamask.explain(
        model, inputs, targets, rng, areas=[0.8, 0.2, 0.4], perturbation="fade_reference", threshold=0.25
    )
    # Half of the sum gives a quarter of the square.
    ordered = np.sort(parts.reshape(4, -1))[:, ::-1].cumsum(1) / parts.sum((1, 2))[:, np.newaxis]
    expected = [next(area for area in (0.2, 0.4, 0.8) if row[round(40 * area) - 1] >= 0.5) for row in ordered]
    np.testing.assert_allclose(found.mean((1, 2)), expected, atol=0.02)
    chosen = dynamask.chosen(np.array([[3.0, 2.0, 1.0], [3.0, 0.1, 0.0]]), np.array([10.0, 10.0]), 0.05)
    np.testing.assert_array_equal(chosen, [2, 1])


def test_jumps_cost_where_they_have_a_weight(positive, rng):
    model, inputs, targets, _ = positive
    rough, calm = (dynamask.explain(model, inputs, targets, rng, time_weight=weight) for weight in (0.0, 1.0))
    assert np.abs(np.diff(calm, axis=1)).sum() < 0.7 * np.abs(np.diff(rough, axis=1)).sum()


def test_the_area_penalty_is_the_distance_of_the_sorted_mask(rng):
    tf_ = start()
    mask = np.stack([rng.permutation(10) for _ in range(3)]).astype(np.float32) / 10
    found = masks.area_penalty(tf_, mask, np.array([2, 2, 5], np.float32), np.ones_like(mask))
    expected = [
        np.square(np.sort(row) - (np.arange(10) >= 10 - kept)).mean() for row, kept in zip(mask, (2, 2, 5), strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # Equal values share what the reference has at their places: two ones for four values.
    equal = np.array([[0.1, 0.7, 0.7, 0.7, 0.7]], np.float32)
    found = masks.area_penalty(tf_, equal, np.array([2], np.float32), np.ones_like(equal))
    np.testing.assert_allclose(found, [(0.1**2 + 4 * 0.2**2) / 5], rtol=1e-5)
    # A value that always stays does not count.
    found = masks.area_penalty(tf_, equal, np.array([1], np.float32), np.array([[1, 0, 0, 0, 1]], np.float32))
    np.testing.assert_allclose(found, [(0.1**2 + 0.3**2) / 2], rtol=1e-5)


def test_the_area_penalty_counts_as_a_search_for_each_value_does(rng):
    """Ties, values within the distance that counts as equal, and chains of them, against counts of all pairs."""
    tf_, size, near = start(), 60, masks._EQUAL
    steps = [rng.integers(-6, 7, (50, size)) * near * 0.4 for _ in range(2)]
    values = [rng.random((50, size)), np.clip(rng.normal(size=(50, size)), 0, 1), 0.5 + steps[0]]
    values.append(np.round(rng.random((50, size)) * 4) / 4 + steps[1])
    mask = np.concatenate(values).astype(np.float32)
    kept = rng.integers(1, size + 1, len(mask)).astype(np.float32)
    low, high = mask - np.float32(near), mask + np.float32(near)
    first = (mask[:, np.newaxis] < low[..., np.newaxis]).sum(2)
    behind = (mask[:, np.newaxis] <= high[..., np.newaxis]).sum(2)
    expected = np.clip((behind - size + kept[:, np.newaxis]) / np.maximum(behind - first, 1), 0, 1)
    assert ((expected > 0) & (expected < 1)).any(1).sum() > 50
    np.testing.assert_array_equal(masks._reference(tf_, tf_.constant(mask), kept), expected.astype(np.float32))


@pytest.mark.parametrize("method", [extremal_perturbation, dynamask, extremal_mask])
def test_a_later_search_is_not_traced_again_but_for_other_settings(positive, method, rng):
    model, inputs, targets, _ = positive
    other, given = {"areas": [0.3, 0.5], "iterations": 5}, {"areas": [0.1, 0.2], "iterations": 5}
    if method is extremal_mask:
        other, given = {"mask_weight": 0.3, "iterations": 5}, {"mask_weight": 0.2, "iterations": 5}
    fresh = ExplainedModel(model._model)
    method.explain(fresh, inputs, targets, rng, **given)
    traced = len(fresh._compiled)
    method.explain(fresh, inputs[:2] + 1, targets[:2], rng, **given)
    assert len(fresh._compiled) == traced
    # What a call sets is never taken from an earlier call.
    found = method.explain(fresh, inputs, targets, rng, **other)
    np.testing.assert_array_equal(found, method.explain(ExplainedModel(model._model), inputs, targets, rng, **other))


def test_two_functions_mean_the_same_only_with_the_same_code_and_surroundings():
    def made(number, held, *more):
        return lambda value: (number * value, held, more)

    one, other = np.zeros(2), np.zeros(2)
    assert meaning(made(1, one, [2])) == meaning(made(1, one, [2]))
    assert hash(meaning(made(1, one, [2]))) == hash(meaning(made(1, one, [2])))
    different = [made(1.0, one, [2]), made(True, one, [2]), made(1, other, [2]), made(1, one, [3]), made(1, one, (2,))]
    assert len({meaning(made(1, one, [2])), *map(meaning, different)}) == 6
    assert meaning(made(0.0, one)) != meaning(made(-0.0, one))
    assert meaning(one.sum) != meaning(other.sum)


def test_blurs_keep_constants_and_leave_out_what_was_not_measured(rng):
    constant = np.full((1, 12, 2), 3.0, np.float32)
    np.testing.assert_allclose(masks.blurred(constant, [4.0])[:, 0], constant, rtol=1e-6)
    series, measured = rng.normal(size=(1, 12, 2)).astype(np.float32), np.ones((1, 12, 2), bool)
    measured[0, 6:, 0] = False
    altered = np.where(measured, series, np.float32(99))
    found = masks.blurred(altered, [0.0, 2.0], measured)
    np.testing.assert_array_equal(found[:, 0], altered)
    np.testing.assert_array_equal(found[0, 1, 6:, 0], 99)
    assert np.abs(found[0, 1, :6, 0]).max() <= np.abs(series[0, :6, 0]).max()
    # The blur along time of each value's own width: none where the mask is 1, and SciPy's where it is 0.
    ndimage = pytest.importorskip("scipy.ndimage")
    blur, tf_ = dynamask.Blur(1.5), start()
    whole = np.ones_like(series)
    np.testing.assert_allclose(blur.applied(tf_, series, whole, whole), series, rtol=1e-6)
    wide = ndimage.gaussian_filter1d(series, 1.5, axis=1, mode="constant", truncate=4)
    share = ndimage.gaussian_filter1d(whole, 1.5, axis=1, mode="constant", truncate=4)
    np.testing.assert_allclose(blur.applied(tf_, series, np.zeros_like(series), whole), wide / share, rtol=1e-4)


def test_small_changes_on_a_large_offset_are_no_constant(rng):
    raw = (1e7 + rng.integers(-3, 4, (1, 50, 3))).astype(np.float32)
    raw[..., 1] = 0.7
    measured = np.ones(raw.shape, bool)
    measured[..., 2] = raw[..., 2] == raw[0, 0, 2]
    assert masks.perturbed_values(raw, None)[0, 0].tolist() == [True, False, True]
    assert masks.perturbed_values(raw, measured)[0, 0].tolist() == [True, False, False]


def test_spots_are_smooth_and_as_wide_as_they_should_be():
    spots = extremal_perturbation.Spots((60,), 8.0)
    grid = np.zeros((1, len(spots.points), 1), np.float32)
    assert extremal_perturbation.radius((224, 224), 0.025) == pytest.approx(20, abs=0.1)
    middle = len(spots.points) // 2
    grid[0, middle] = 1
    found = spots.values(grid)[0, :, 0]
    np.testing.assert_allclose(found, spots.mask(start(), grid)[0, :, 0], atol=1e-6)
    centre = spots.points[middle, 0]
    assert found[centre] > 0.95
    assert 8 <= (found > 0.5).sum() <= 2 * 8 + 1
    assert np.abs(np.diff(found)).max() < 0.35
    assert found[: centre - 12].max() < 1e-3
    # A uniform grid is a uniform mask, and every value pulls equally at every point: no place is preferred.
    tf_, uniform = start(), np.full_like(grid, 0.5)
    assert np.ptp(spots.values(uniform)) < 1e-6
    with tf_.GradientTape() as tape:
        tape.watch(variable := tf_.constant(uniform))
        total = tf_.reduce_sum(spots.mask(tf_, variable))
    assert np.ptp(tape.gradient(total, variable)) < 1e-5


def test_the_values_that_an_extremal_mask_keeps_are_the_large_contributions(positive, rng):
    model, inputs, targets, parts = positive
    found = extremal_mask.explain(model, inputs, targets, rng)
    for mask, part in zip(found, parts, strict=True):
        assert 0 < mask.mean() < 0.5
        assert part[mask > 0.5].min() > part[mask < 0.01].mean()


def test_the_recurrent_network_is_that_of_keras(keras, rng):
    made, series = Recurrent(3), rng.normal(size=(2, 7, 3)).astype(np.float32)
    weights = made.start(rng)
    layer = keras.layers.Bidirectional(keras.layers.GRU(3, return_sequences=True))
    layer.build(series.shape)

    def ordered(values):  # Keras has the update gate first
        reset, update, new = np.split(values, 3, axis=-1)
        return np.concatenate([update, reset, new], axis=-1)

    layer.set_weights(
        [
            part
            for way in ("ahead", "back")
            for part in (
                ordered(weights[f"{way}_input"]),
                ordered(weights[f"{way}_state"]),
                ordered(np.stack([weights[f"{way}_input_bias"], weights[f"{way}_state_bias"]])),
            )
        ]
    )
    expected = np.asarray(layer(series)) @ weights["out"] + weights["out_bias"]
    both = {name: np.repeat(values[np.newaxis], 2, axis=0) for name, values in weights.items()}
    np.testing.assert_allclose(made.applied(start(), series, both), expected, atol=1e-6)


@pytest.mark.slow
def test_an_extremal_mask_with_a_recurrent_network_moves_towards_the_large_contributions(positive):
    model, inputs, targets, parts = positive
    found = extremal_mask.explain(
        model, inputs[:1], targets[:1], np.random.default_rng(0), network="gru", rate=0.01, iterations=300
    )
    assert np.corrcoef(found.ravel(), parts[:1].ravel())[0, 1] > 0.3


@pytest.mark.parametrize("module", [extremal_perturbation, dynamask, extremal_mask])
def test_values_that_were_not_measured_do_not_count(positive, module, rng):
    model, inputs, targets, _ = positive
    measured = np.ones(inputs.shape, bool)
    measured[:, :10] = False
    given = {"channels": "each"} if module is extremal_perturbation else {}
    first = module.explain(model, inputs, targets, rng, measured=measured, iterations=60, **given)
    other = np.where(measured, inputs, np.float32(0.3))
    second = module.explain(model, other, targets, rng, measured=measured, iterations=60, **given)
    # The model is linear: what is never perturbed adds a constant.
    np.testing.assert_allclose(second[:, 10:], first[:, 10:], atol=2e-3)


def test_rescaled_gradient_times_input_of_a_linear_model(signed, rng):
    model, inputs, targets, parts = signed
    found = temporal_saliency_rescaling.explain(model, inputs, targets, rng, of="gradient_input")
    size = np.abs(parts).astype(np.float64)
    of_time = size.sum(2)
    low, high = of_time.min(1, keepdims=True), of_time.max(1, keepdims=True)
    of_time = (of_time - low) / (high - low)
    # Of two channels the larger one is 1, and the other one 0.
    of_channel = (size == size.max(2, keepdims=True)).astype(float)
    of_channel[of_time <= np.quantile(of_time, 0.55, axis=1, keepdims=True)] = 0.1
    np.testing.assert_allclose(found, of_time[..., np.newaxis] * of_channel, atol=1e-5)


def test_rescaling_of_noisy_methods_uses_the_same_noise_for_every_copy(signed, rng):
    model, inputs, targets, _ = signed
    # The gradient of a linear model is the same everywhere: only different noise could change it.
    assert temporal_saliency_rescaling.explain(model, inputs, targets, rng, of="smoothgrad").max() <= 1
    mapped = temporal_saliency_rescaling.explain(model, inputs, targets, rng, of="saliency")
    np.testing.assert_array_equal(mapped, 0)


def test_images_are_refused_where_time_is_needed(image, rng):
    model, inputs, targets, _ = image
    for module in (dynamask, temporal_saliency_rescaling):
        with pytest.raises(InputError, match="along time"):
            module.explain(model, inputs, targets, rng)
        with pytest.raises(InputError, match="along time"):
            module.fits(inputs.shape[1:-1])
    with pytest.raises(InputError, match="along time"):
        extremal_mask.fits(inputs.shape[1:-1], network="gru")
    extremal_mask.fits(inputs.shape[1:-1], network="tensor")


def test_a_model_without_a_gradient_is_refused(keras, rng):
    series = keras.Input((8, 1))
    steps = keras.layers.Flatten()(keras.ops.sign(series))
    model = keras.Model(series, keras.layers.Dense(2)(keras.ops.cast(keras.ops.cast(steps, "int32"), "float32")))
    with pytest.raises(InputError, match="without a gradient"):
        extremal_perturbation.explain(
            ExplainedModel(model), np.ones((1, 8, 1), np.float32), np.array([0]), rng, iterations=1
        )


@pytest.fixture(scope="module")
def planted(keras):
    """A network that looks for the planted motifs of `synthetic_series` by their shapes, and examples it gets right."""
    layers, classes = keras.layers, 4
    data = synthetic_series.load({}, np.random.default_rng(5), per_class=12).train
    series = keras.Input((300, 9))
    scores = []
    for motif in synthetic_series.MOTIFS[:classes]:
        piece = layers.Cropping1D((motif.first, 300 - motif.last - synthetic_series.LENGTH))(series)
        found = layers.Conv1D(1, synthetic_series.LENGTH, use_bias=False, name=f"look_{len(scores)}")(piece)
        scores.append(layers.GlobalMaxPooling1D()(found))
    model = keras.Model(series, layers.Softmax()(layers.Concatenate()(scores)))
    for number, motif in enumerate(synthetic_series.MOTIFS[:classes]):
        kernel = np.zeros((synthetic_series.LENGTH, 9, 1), np.float32)
        for channel in motif.channels:
            kernel[:, synthetic_series.CHANNELS.index(channel), 0] = synthetic_series.shapes()[motif.shape]
        model.get_layer(f"look_{number}").set_weights([kernel / synthetic_series.LENGTH / len(motif.channels) ** 0.5])
    right = np.flatnonzero(np.asarray(model(data.x)).argmax(1) == data.y)[:3]
    assert len(right) == 3
    return ExplainedModel(model), data.x[right], data.y[right], data.truth[right]


@pytest.mark.parametrize(
    ("module", "given", "least"),
    [
        (extremal_perturbation, {"channels": "each", "perturbation": "fade", "areas": [0.02]}, 0.7),
        (extremal_perturbation, {"channels": "together", "perturbation": "fade", "areas": [0.1]}, 0.6),
        (dynamask, {"areas": [0.02], "iterations": 150}, 0.7),
        (extremal_mask, {"iterations": 150}, 0.7),
        (temporal_saliency_rescaling, {"of": "gradient_input"}, 0.8),
    ],
)
def test_planted_evidence_is_found_better_than_by_chance(planted, module, given, least, rng):
    model, inputs, targets, truth = planted
    found = module.explain(model, inputs, targets, rng, **given)
    for values, cells in zip(found, truth, strict=True):
        inside, outside = values[cells][:, np.newaxis], np.sort(values[~cells])
        # The share of pairs in which the planted cell has the larger value; half of those that are equal.
        less, most = (np.searchsorted(outside, inside, side=side) for side in ("left", "right"))
        assert (less + most).mean() / 2 / len(outside) > least, (values[cells].mean(), values[~cells].mean())
