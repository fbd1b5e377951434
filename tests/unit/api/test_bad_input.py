"""Every mistake in a call of the API is one plain `InputError` that says what was found and what to do."""

import numpy as np
import pytest

import pellucid

GOOD = np.random.default_rng(0).random((3, 12, 3)).astype(np.float32)


def changed(value, place=(1, 4, 2)):
    x = GOOD.copy()
    x[place] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (GOOD[:, :, :2], "x: found shape 3 × 12 × 2; expected N × 12 × 3, N examples for the model"),
        (GOOD[..., 0], "x: found shape 3 × 12; expected N × 12 × 3"),
        (np.moveaxis(GOOD, -1, 1), r"expected N × 12 × 3.* np.moveaxis\(x, -1, 1\) has this shape"),
        (GOOD[:0], r"x: found no values \(shape \(0, 12, 3\)\); expected at least one example"),
        (np.float32(3), r"x: found shape .*; expected N × 12 × 3"),
        (changed(np.nan), r"x: found NaN at \[1, 4, 2\]; expected finite numbers. Fill gaps .* measured"),
        (changed(-np.inf), r"x: found infinity, or a number too large for 32 bits, at \[1, 4, 2\]"),
        (GOOD.astype(np.float64) * 1e39, r"x: found infinity, or a number too large for 32 bits, at \[0, 0, 0\]"),
        (GOOD.astype(complex), "x: found complex128; expected numbers"),
        (GOOD.astype(str), "x: found <U32; expected numbers"),
        ([[1.0, 2.0], [3.0]], "x: found rows of different lengths; expected one array of numbers"),
        (None, "x: found .*no numbers; expected numbers"),
        ({"a": 1}, "x: found the names .*; expected the arrays of two or more inputs by name"),
    ],
)
def test_examples(linear, x, message):
    with pytest.raises(pellucid.InputError, match=message):
        pellucid.explain(linear[0], x, "saliency")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "salience"}, 'method: found "salience"; expected one of .*Did you mean "saliency"'),
        ({"method": None}, "method: found None; expected one of"),
        ({"method": "occlusion", "windw": 3}, 'occlusion: found unknown key "windw"; .*Did you mean "window"'),
        ({"method": "occlusion", "window": -1}, "occlusion.window: found -1"),
        (
            {"method": "occlusion", "window": 13},
            "occlusion.window: found 13 on axis 0; expected at most the input's 12",
        ),
        ({"method": "occlusion", "window": np.array([3, 3])}, "occlusion.window: found 2 numbers; expected one"),
        (
            {"method": "occlusion", "window": 3, "stride": 4},
            "occlusion.stride: found 4; expected at most 3, the window's size",
        ),
        ({"method": "saliency", "mode": "absolut"}, 'saliency.mode: found "absolut"'),
        ({"method": "saliency", "sweep": {}}, 'saliency: found unknown key "sweep"'),
        ({"target": 4}, "target: found 4; expected a class of the model, from 0 to 3"),
        ({"target": -1}, "target: found -1; expected a class of the model, from 0 to 3"),
        ({"target": 1.5}, "target: found 1.5; expected a class of the model, from 0 to 3"),
        ({"target": True}, "target: found True; expected a class of the model"),
        ({"target": None}, "target: found None; expected a class of the model"),
        ({"target": "predictd"}, 'target: found "predictd"; expected one of predicted, label, 0.*"predicted"'),
        ({"target": "label"}, 'target: "label" needs the true classes. Pass them: y='),
        ({"target": [0, 1]}, "target: found 2 classes; expected 3, one for each example of x"),
        ({"target": [0, 1, 9]}, "target: found 9; expected a class of the model, from 0 to 3"),
        ({"target": np.eye(4)[[0, 1, 2]]}, r"target: found shape 3 × 4; .*target.argmax\(1\) gives the classes"),
        ({"y": [0, 1]}, "y: found 2 classes; expected 3, one for each example of x"),
        ({"y": [0, 1, 4]}, "y: found 4; expected a class of the model, from 0 to 3"),
        ({"y": 1}, r"y: found shape \(\); expected 3, one for each example of x"),
        ({"y": np.eye(4)[[0, 1, 2]]}, r"y: found shape 3 × 4; .*y.argmax\(1\) gives the classes"),
        ({"y": ["a", "b", "x"], "class_names": list("abcd")}, 'y: found "x"; expected a class: a, b, c, d'),
        ({"y": [0, 1, np.nan]}, "y: found nan; expected a class of the model"),
        ({"class_names": ["a", "b"]}, "class_names: found 2 names; expected 4, one for each class of model"),
        ({"class_names": ["a", "b", "a", "c"]}, 'class_names: found "a" twice; expected names that differ'),
        ({"class_names": "abcd"}, 'class_names: found "abcd"; expected a list of names'),
        ({"channel_names": ["a"]}, "channel_names: found 1 names; expected 3, one for each channel of x"),
        ({"sampling_rate_hz": 0}, "sampling_rate_hz: found 0; expected samples per second, above 0"),
        ({"sampling_rate_hz": "360"}, 'sampling_rate_hz: found "360"; expected samples per second'),
        ({"measured": np.ones((3, 12))}, "measured: found float64 of shape 3 × 12; expected true and false"),
        ({"measured": np.ones((3, 12, 2), bool)}, "measured: found bool of shape 3 × 12 × 2; expected"),
        ({"training": GOOD[:, :5]}, "training: found shape 3 × 5 × 3; expected N × 12 × 3"),
        ({"training": changed(np.nan)}, "training: found NaN at"),
        ({"seed": 1.5}, "seed: found 1.5; expected a whole number from 0"),
        ({"threads": 0}, "threads: found 0; expected a whole number from 1"),
        ({"memory_mb": "1 GB"}, 'memory_mb: found "1 GB"; expected a whole number from 1'),
    ],
)
def test_other_arguments(linear, changes, message):
    changes = {"method": "saliency", **changes}
    with pytest.raises(pellucid.InputError, match=message):
        pellucid.explain(linear[0], GOOD, changes.pop("method"), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": "saliency"}, 'methods: found "saliency"; expected a list of names, or a mapping'),
        ({"methods": []}, "methods: found none; expected a list of names"),
        ({"methods": ["saliency", "saliency"]}, 'methods: found "saliency" twice; expected each name once'),
        ({"methods": ["saliency", "nope"]}, 'method: found "nope"; expected one of'),
        ({"methods": {"saliency": 3}}, "methods.saliency: found 3; expected its parameters"),
        ({"methods": {"saliency": {"mod": 1}}}, 'saliency: found unknown key "mod"'),
        ({"methods": ["grad_cam"]}, "grad_cam: it needs a convolution"),
        ({"scores": ["localisation"]}, "localisation: it needs the places where evidence was planted"),
        ({"scores": ["random_labels"]}, "random_labels: it needs a training by the workflow"),
        ({"scores": ["cots"]}, 'score: found "cots"; expected one of .*Did you mean "cost"'),
        ({"scores": {"deletion_insertion": {"baselines": ["other"]}}}, 'its baseline "other" needs training examples'),
        ({"training_y": [1, 2, 3]}, "training_y: the training examples themselves are missing"),
        (
            {"training": GOOD, "training_y": [1]},
            "training_y: found 1 class; expected 3, one for each example of train",
        ),
    ],
)
def test_comparisons(linear, changes, message):
    arguments = {"methods": ["saliency"], "scores": ["cost"], **changes}
    with pytest.raises(pellucid.InputError, match=message):
        pellucid.compare(linear[0], GOOD, **arguments)


def test_a_constant_class_is_refused_by_its_name(keras):
    model = keras.Sequential([keras.layers.Input((12, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = model.get_weights()
    weights[0][:, 1] = 0
    model.set_weights(weights)
    with pytest.raises(pellucid.InputError, match='class "second": the score is 0 for every input'):
        pellucid.explain(model, GOOD, "saliency", target=1, class_names=["first", "second"])
