"""Maps of two classes whose evidence varies in place, with or without a marker in some recordings of one class."""

import numpy as np

from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise import run

LENGTH, RECORDINGS, EACH = 160, 6, 12


def maps(seed, *, marked=(), everywhere=False):
    """Return maps of 2 classes × 6 recordings × 12 examples, their labels and recordings.

    An example's attribution lies where its evidence lies, anywhere in the series. In the recordings `marked` of class 1
    (all of them with `everywhere`) most of it lies on a marker at the samples 10 to 17 instead.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], RECORDINGS * EACH)
    recording = np.tile(np.repeat(np.arange(RECORDINGS), EACH), 2)
    values = 0.05 * np.abs(rng.normal(size=(len(labels), 1, LENGTH, 2)))
    middle = rng.uniform(25, LENGTH - 5, len(labels))
    hill = np.exp(-0.5 * ((np.arange(LENGTH) - middle[:, np.newaxis]) / 4) ** 2)
    marker = (labels == 1) & (np.isin(recording, marked) | everywhere)
    values[:, 0, :, 0] += np.where(marker[:, np.newaxis], 0.2, 1.0) * hill
    values[marker, 0, 10:18, 1] += rng.uniform(0.8, 1.2, (marker.sum(), 1))
    names = np.array([f"r{label}{number}" for label, number in zip(labels, recording, strict=True)])
    return values.astype(np.float32), labels.astype(np.int64), names


def tested(values, labels, recordings, seed, *, parts=3):
    """Return the groups of the maps and the tests of each, as `summarise.run` computes them, and the flagged ones."""
    opened = MeasuredMaps(tuple(np.array_split(values, parts)), 0, None, np.arange(len(labels)))
    origins = {} if recordings is None else {"group": recordings}
    found, tests, count = run.find_groups(
        opened, labels, ["plain", "marked"], origins, None, np.random.default_rng(seed)
    )
    flagged = [
        (members, test)
        for members, of_group in zip(found.groups, tests, strict=True)
        for test in of_group
        if test.is_flag(count)
    ]
    return found, tests, flagged
