"""The frequencies of the evidence go with their examples: through the split, to the chosen ones, to the scores."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import files
from pellucid.datasets import synthetic_frequencies
from pellucid.prepare.run import number_by_outputs
from pellucid.prepare.split import SPLITS, divide
from tests.support import prepared

SMALL = {
    "source": "synthetic_frequencies",
    "per_class": 20,
    "length": 64,
    "frequencies": [5, 11],
    "components_min": 2,
    "components_max": 6,
    "highest": 20,
    "noise": 0,
}


def amplitudes(x):
    return np.abs(np.fft.rfft(np.asarray(x)[:, :, 0], axis=1)) / 32


def predicted(folder, data):
    """The logits of a model that knows the answers."""
    y = files.read_arrays(data / "labels.npz")["test"]
    logits = np.where(np.eye(4)[y] if y.ndim == 1 else y, 3.0, -3.0)
    files.write_arrays(
        folder / "predictions.npz", {"labels": y, "logits": logits, "probabilities": 1 / (1 + np.exp(-logits))}
    )
    return folder / "predictions.npz"


def test_the_truth_of_every_split_and_chosen_example_is_its_own(tmp_path):
    data = prepared.prepare(tmp_path / "data", SMALL)
    written = files.read_arrays(data / "truth.npz")
    assert set(written) == {f"{name}_frequency" for name in SPLITS}, "no truth in time"
    for name in SPLITS:
        present = amplitudes(files.map_array(data / f"x_{name}.npy")) > 0.5
        expected = present & np.isin(np.arange(33), [5, 11])
        np.testing.assert_array_equal(written[f"{name}_frequency"], expected)
    output = prepared.choose(tmp_path / "examples.npz", data, predicted(tmp_path, data), per_class=3)
    examples = files.read_arrays(output)
    assert "truth" not in examples and examples["truth_frequency"].shape == (12, 33)
    np.testing.assert_array_equal(
        examples["truth_frequency"], (amplitudes(examples["inputs"]) > 0.5) & np.isin(np.arange(33), [5, 11])
    )


@pytest.mark.parametrize(("target", "bins"), [("true", [[5], [11]]), ({"why": "5 Hz", "not": "11 Hz"}, [[5, 11]])])
def test_of_labels_it_is_that_of_what_is_explained(tmp_path, target, bins):
    data = prepared.prepare(tmp_path / "data", SMALL | {"task": "multi_label"})
    output = prepared.choose(tmp_path / "examples.npz", data, predicted(tmp_path, data), per_class=2, target=target)
    truth = files.read_arrays(output)["truth_frequency"]
    assert truth.shape[1:] == (33,)
    assert [np.flatnonzero(row).tolist() for row in truth] == [
        each for each in bins for _ in range(len(truth) // len(bins))
    ]


def test_the_outputs_of_a_model_order_it(rng):
    parameters = {name: value for name, value in SMALL.items() if name != "source"}
    raw = synthetic_frequencies.load({}, rng, **parameters, task="multi_label")
    splits = divide(raw, test=0.2, validation=0.2, rng=rng)
    number_by_outputs(raw, splits, ["11 Hz", "5 Hz"], None)
    truth = np.asarray(splits["test"].truth_frequency)
    assert (truth[:, [11, 5], [0, 1]]).all() and truth.sum() == 2 * len(truth)
