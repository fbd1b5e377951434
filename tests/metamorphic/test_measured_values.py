"""What was not measured changes nothing: not the statistics of scaling, nor the values, nor the scores; units neither."""

from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import files, plugins
from pellucid.config import resolution
from pellucid.datasets import mitdb, table
from pellucid.datasets.base import BLANK, ESTIMATED, MEASURED
from pellucid.datasets.heartbeats import beats
from pellucid.datasets.readers import completion
from pellucid.errors import InputError
from pellucid.explain.occlusion import automatic, windows
from pellucid.explain.shared import baselines
from pellucid.lazy_array import LazyRows
from pellucid.prepare.scaling import rescale
from pellucid.score import (
    average_drop,
    degradation,
    deletion_insertion,
    faithfulness_correlation,
    form,
    infidelity,
    region_perturbation,
    road,
    sensitivity_n,
    sufficiency,
)
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.similarity import overlap, spearman, ssim
from pellucid.train.augmentation import augment
from tests.support.prepared import prepare
from tests.support.written_records import write_record

quick = settings(max_examples=15, deadline=None, derandomize=True)


class Part:
    def __init__(self, x, filling=None):
        self.x, self.filling = LazyRows(x), None if filling is None else LazyRows(filling)


def scaled(x, filling, scale="standard"):
    part = Part(x, filling)
    statistics, notes = rescale({"train": part}, scale)
    return statistics, np.asarray(part.x), notes


@st.composite
def ragged(draw):
    """Series of unequal lengths around a level of their own, and where they were measured."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    count, time, channels = draw(st.integers(2, 9)), draw(st.integers(1, 30)), draw(st.integers(1, 3))
    ends = rng.integers(1, time + 1, count)
    x = rng.normal(10.0 ** rng.uniform(-3, 4, channels), 10.0 ** rng.uniform(-3, 3, channels), (count, time, channels))
    measured = np.broadcast_to(np.arange(time)[:, None] < ends[:, None, None], x.shape)
    return np.where(measured, x, 0), measured


@quick
@given(ragged(), st.integers(1, 20), st.integers(1, 4000), st.sampled_from(["standard", "minmax"]))
def test_statistics_are_of_measured_values_whatever_the_padding_and_the_blocks(series, more, size, scale):
    x, measured = series
    filling = np.where(measured, MEASURED, BLANK).astype(np.uint8)
    with mock.patch("pellucid.lazy_array._BYTES", size):
        found, values, _ = scaled(x, filling, scale)
    columns = [x[..., channel][measured[..., channel]] for channel in range(x.shape[-1])]
    offset = [one.mean() if scale == "standard" else one.min() for one in columns]
    divisor = [one.std() if scale == "standard" else np.ptp(one) for one in columns]
    divisor = [way if np.ptp(one) else 1 for way, one in zip(divisor, columns, strict=True)]
    np.testing.assert_allclose(found["offset"], offset, rtol=1e-12, atol=1e-12 * np.abs(x).max())
    np.testing.assert_allclose(found["divisor"], divisor, rtol=1e-9)
    assert not values[~measured].any()
    longer = [
        np.pad(array, ((0, 0), (0, more), (0, 0)), constant_values=end) for array, end in ((x, 0), (filling, BLANK))
    ]
    again, padded, _ = scaled(*longer, scale)
    np.testing.assert_allclose(again["divisor"], found["divisor"], rtol=1e-12)
    np.testing.assert_allclose(padded[:, : x.shape[1]], values, rtol=1e-5, atol=1e-6)
    assert not padded[:, x.shape[1] :].any()


@quick
@given(st.sampled_from([0.0, 1e4, 1e7, -1e9]), st.sampled_from(["csv", "tsv", "parquet", "npz"]), st.integers(0, 99))
def test_an_offset_and_a_factor_are_taken_away_before_the_cast(tmp_path_factory, offset, suffix, seed):
    import pandas as pd

    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("offset")
    # Of a resolution that float64 holds beside any of the offsets.
    noise = np.round(rng.normal(size=(12, 9)) * 2**16) / 2**16
    labels = np.array(["a", "b"] * 6)
    found = []
    for level in (0.0, offset):
        path = folder / f"{level}.{suffix}"
        frame = pd.DataFrame(noise + level, columns=[f"s{at}" for at in range(9)]).assign(label=labels)
        if suffix == "npz":
            np.savez(path, x=noise + level, y=labels)
        elif suffix == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
        raw = table.load({"file": path}, rng)
        found.append(scaled(raw.train.x, raw.train.filling)[1])
    np.testing.assert_allclose(found[1], found[0], atol=2e-6)


def test_what_float32_would_lose_is_told():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 30, 1))
    assert not scaled(x, None, "none")[2]
    assert "scale: standard" in scaled(x + 1e7, None, "none")[2][0]
    assert not scaled(x + 1e7, None, "standard")[2]
    # Each series at a level of its own: one offset for all does not help.
    assert scaled(x + 1e9 * np.arange(20)[:, None, None], None, "standard")[2]


@pytest.mark.parametrize("constant", [0.1, 1e7 + 0.1, -3.3, 1e-40])
def test_a_constant_channel_is_zero_and_no_rounding(constant):
    statistics, values, notes = scaled(np.full((7, 11, 1), constant), None)
    assert not values.any()
    assert statistics["divisor"] == [1]
    assert notes


def test_numbers_beyond_float32_and_float64_are_refused(tmp_path):
    x = np.random.default_rng(0).normal(size=(12, 8, 1))
    for factor, scale in ((1e39, "none"), (1e200, "standard"), (1e-200, "standard")):
        np.savez(tmp_path / "x.npz", x=x * factor, y=["a", "b"] * 6)
        with pytest.raises(InputError):
            prepare(
                tmp_path / "data",
                {"source": "table", "file": "x.npz"},
                paths={"file": str(tmp_path / "x.npz")},
                scale=scale,
            )
    np.savez(tmp_path / "x.npz", x=np.full((4, 8), 2**53 + 1), y=["a", "b"] * 2)
    with pytest.raises(InputError, match="9007199254740993"):
        table.load({"file": tmp_path / "x.npz"}, None)


def test_gaps_keep_their_value_and_interpolated_ones_are_scaled():
    x = np.array([[3.0, np.nan, 5, 0, np.nan], [3, 4, 5, 6, 8]])[..., None]
    for missing, kind in (("zero", BLANK), ("interpolate", ESTIMATED)):
        series = completion.Series(x.copy(), lambda *place: "here")
        completion.complete({"train": series}, missing=missing, lengths="pad")
        assert series.filling[0, :, 0].tolist() == [0, kind, 0, 0, BLANK]
        _, values, _ = scaled(series.x, series.filling)
        measured = np.array([3, 5, 0, 3, 4, 5, 6, 8])
        between = 0 if missing == "zero" else (4 - measured.mean()) / measured.std()
        np.testing.assert_allclose(values[0, [1, 4], 0], [between, 0], rtol=1e-6)


def test_the_mask_is_written_and_scaling_keeps_padding(tmp_path):
    rng = np.random.default_rng(1)
    lines = []
    for number in range(30):
        values = ",".join(f"{value:.6f}" for value in rng.normal(50, 5, rng.integers(4, 12)))
        lines.append(f"{'ab'[number % 2]},{values}\n")
    path = tmp_path / "walks.csv"
    path.write_text("".join(lines))
    entry = {"source": "table", "file": str(path), "label": 1, "lengths": "pad"}
    folder = prepare(tmp_path / "data", entry, paths={"file": str(path)}, scale="standard")
    measured, x = files.read_arrays(folder / "measured.npz"), np.load(folder / "x_train.npy")
    assert set(measured) == {"train", "validation", "test"}
    assert not x[~measured["train"]].any()
    np.testing.assert_allclose(x[measured["train"]].mean(), 0, atol=1e-5)
    np.testing.assert_allclose(x[measured["train"]].std(), 1, atol=1e-5)


class Linear:
    """A model that sums its weights times the values: zeros at the end add nothing."""

    n_classes = 2

    def __init__(self, weights, time):
        self.weights, self.input_shape = weights, (time, weights.shape[1])

    def batch_size(self, backward=False):
        return 64

    def score(self, x, targets):
        kept = min(x.shape[1], len(self.weights))
        return np.tensordot(np.tanh(x[:, :kept]), self.weights[:kept], axes=2)

    def output(self, x, targets):
        return 1 / (1 + np.exp(-self.score(x, targets)))


SCORES = {
    "form": (form, {}),
    "deletion_insertion": (deletion_insertion, {"steps": 5, "baselines": ["zero", "mean", "linear"]}),
    "sufficiency": (sufficiency, {"baselines": ["zero", "mean", "linear"]}),
    "faithfulness": (faithfulness_correlation, {"runs": 10, "baselines": ["zero", "mean", "linear"]}),
    "infidelity": (infidelity, {"runs": 10, "baselines": ["zero", "mean"]}),
    "road": (road, {"noise": 0}),
    "sensitivity_n": (sensitivity_n, {"runs": 10, "baselines": ["zero", "mean", "linear"]}),
    "region_perturbation": (region_perturbation, {"baselines": ["zero", "mean", "linear"]}),
    "degradation": (degradation, {"steps": 5, "baselines": ["zero", "mean", "linear"]}),
    "average_drop": (average_drop, {"baselines": ["zero", "mean"]}),
}


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("unit", [{"unit": "sample"}, {"unit": "value"}, {"unit": "window", "window": 3}])
def test_scores_of_what_was_measured_do_not_depend_on_the_padding(score, unit):
    rng = np.random.default_rng(3)
    ends, count, time = np.array([10, 7, 4]), 3, 10
    measured = np.broadcast_to(np.arange(time)[:, None] < ends[:, None, None], (count, time, 2))
    x, maps = (np.where(measured, rng.normal(size=measured.shape), 0).astype(np.float32) for _ in range(2))
    weights, found = rng.normal(size=(time, 2)), []
    module, parameters = SCORES[score]
    taken = plugins.names(module)
    parameters |= {name: value for name, value in unit.items() if name in taken}
    for more in (0, 9):
        inputs, attributions, mask = (np.pad(array, ((0, 0), (0, more), (0, 0))) for array in (x, maps, measured))
        case = ScoreContext(
            data_info={"kind": "series"},
            inputs=inputs,
            targets=np.zeros(count, np.int64),
            labels=np.zeros(count, np.int64),
            model=Linear(weights, time + more),
            measured=mask,
        )
        found.append(
            module.score(Explanation("one", "one", attributions), case, np.random.default_rng(5), **parameters)
        )
    short, long = (dict(scored.values) for scored in found)
    assert short
    for name, values in short.items():
        np.testing.assert_allclose(long[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@settings(quick, max_examples=6)
@given(ragged(), st.integers(1, 20), st.integers(0, 99))
def test_similarity_of_maps_does_not_depend_on_the_padding(series, more, seed):
    measured = series[1]
    rng = np.random.default_rng(seed)
    pair = [np.where(measured, rng.normal(size=measured.shape), 0).astype(np.float32) for _ in range(2)]
    wide = [np.pad(array, ((0, 0), (0, more), (0, 0))) for array in (*pair, measured)]
    for measure in (spearman, ssim, lambda one, two, measured: overlap(one, two, 0.1, measured)):
        np.testing.assert_allclose(measure(*wide[:2], measured=wide[2]), measure(*pair, measured=measured), atol=1e-9)
    alone = [spearman(one[there][None], two[there][None])[0] for one, two, there in zip(*pair, measured, strict=True)]
    np.testing.assert_allclose(spearman(*pair, measured=measured), alone)


@quick
@given(ragged(), st.sampled_from(["zero", "mean", "noise", "shuffled"]))
def test_a_baseline_leaves_the_padding_and_is_that_of_the_measured_part(series, kind):
    x, measured = series[0].astype(np.float32), series[1]
    found = baselines.baseline(x, kind, np.random.default_rng(0), measured)
    assert not found[~measured].any()
    for row, there in zip(range(len(x)), measured, strict=True):
        end = int(there[:, 0].sum())
        if kind == "mean":
            np.testing.assert_allclose(found[row, 0], x[row, :end].mean(0, np.float64), rtol=1e-5)
        if kind == "shuffled":
            np.testing.assert_array_equal(np.sort(found[row, :end], 0), np.sort(x[row, :end], 0))
            assert end == 1 or (found[row, :end] != x[row, :end]).all()


@quick
@given(ragged())
def test_augmentation_fills_no_padding(series):
    x, measured = series[0].astype(np.float32) + np.float32(5), series[1]
    x = np.where(measured, x, 0).astype(np.float32)
    settings_of = {
        "time_warp": 0.2,
        "rotation": 0,
        "flip": "none",
        "shift": 3,
        "scale": 0.2,
        "brightness": 0,
        "jitter": 0,
    }
    settings_of["time_warp"] = 0.2 if x.shape[1] > 2 else 0
    found = augment(x, settings_of, 1, 0, 0, measured)
    assert not found[~measured].any()
    # No zero of the padding has been moved into a signal that has none.
    assert (np.abs(found[measured]) >= 0.75 * np.abs(x[measured]).min()).all() or x.min() < 0


UNITS = {"mV": 200.0, "uV": 0.2, "V": 2e5, "nV": 2e-4, "µV": 0.2}


def retold(folder, number, unit, gain):
    """The header in another unit, with the gain that leaves the same voltages."""
    path = folder / f"{number}.hea"
    text = path.read_text()
    assert "200.0(1024)/mV" in text
    path.write_text(text.replace("200.0(1024)/mV", f"{gain!r}(1024)/{unit}" if unit else f"{gain!r}(1024)"), "utf-8")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    for number, leads in ((100, ("MLII", "V1")), (101, ("V1", "MLII"))):
        write_record(folder, number, "NNNNSSSS", leads=leads, heights=(1.0, -0.5) if number == 100 else (-0.5, 1.0))
    return folder


def loaded(folder, **parameters):
    keys = {
        f"{suffix}_{number}": folder / f"{number}.{suffix}" for number in (100, 101) for suffix in ("hea", "dat", "atr")
    }
    return mitdb.load(keys, None, only=[100, 101], split="random", classes=["N", "S"], **parameters)


def copied(folder, source):
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


def test_a_record_in_another_unit_is_the_same_record(tmp_path, recorded):
    first = loaded(recorded)
    # The second has the lead in the other place.
    assert first.train.x.max() == pytest.approx(1, abs=0.02)
    assert first.train.x[len(first.train.x) // 2 :].max() == pytest.approx(1, abs=0.02)
    for unit, gain in UNITS.items():
        copied(tmp_path, recorded)
        retold(tmp_path, 100, unit, gain)
        second = loaded(tmp_path)
        np.testing.assert_allclose(second.train.x, first.train.x, rtol=1e-5, atol=1e-6)
        assert second.unit == "mV"


def test_a_unit_that_is_no_voltage_is_refused_by_name_unless_beats_are_scaled(tmp_path, recorded):
    copied(tmp_path, recorded)
    retold(tmp_path, 101, "mmHg", 200.0)
    with pytest.raises(InputError, match=r"101\.hea, lead MLII.*mmHg"):
        loaded(tmp_path)
    np.testing.assert_array_equal(
        loaded(tmp_path, beat_scale="minmax").train.x, loaded(recorded, beat_scale="minmax").train.x
    )
    copied(tmp_path, recorded)
    retold(tmp_path, 101, "", 200.0)
    assert any("101" in note and "MLII" in note for note in loaded(tmp_path).notes)


def test_padding_of_kachuees_beats_is_known(recorded):
    raw = loaded(recorded, cutting="kachuee")
    assert raw.train.filling.shape == raw.train.x.shape
    assert not raw.train.x[raw.train.filling == BLANK].any()
    assert (raw.train.filling[:, -1] == BLANK).all()


def test_beats_beside_a_large_offset_keep_their_shape():
    x = np.random.default_rng(0).normal(size=(4, 30, 1))
    np.testing.assert_allclose(beats.scale_each(x + 1e7, "standard"), beats.scale_each(x, "standard"), atol=1e-6)


@quick
@given(st.lists(st.integers(1, 400), min_size=1, max_size=2), st.integers(1, 15), st.sampled_from(["each", "together"]))
def test_occlusions_own_window_fits_any_input(axes, stride, channels):
    covers = windows((*axes, 2), "auto", stride, channels) if np.prod(axes) < 5000 else []
    seen = np.zeros((*axes, 2), bool)
    for cover in covers:
        seen[cover] = True
    assert seen.all() or not covers
    assert all(1 <= size <= length for size, length in zip(automatic(axes), axes, strict=True))
    assert all(size == 15 for size, length in zip(automatic(axes), axes, strict=True) if length >= 60)


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("methods", {"occlusion": {"window": 9}}),
        ("methods", {"occlusion": {"sweep": {"window": [3, 9]}}}),
        ("methods", {"rise": {"cells": 9}}),
        ("methods", {"kernel_shap": {"segments": 65, "samples": 2000}}),
        ("scores", {"sufficiency": {"unit": "window", "window": 9}}),
    ],
)
def test_what_is_larger_than_the_examples_is_refused_before_any_training(key, entry):
    settings_of = yaml.safe_load((Path(resolution.__file__).parents[3] / "config.yaml").read_text())
    settings_of["defaults"] |= {"methods": "none", "views": "none", "scores": "none"}
    settings_of["run"] = ["own"]
    for source, error in (("digits", resolution.ConfigError), ("mnist", None)):
        dataset = {"source": source} | ({"file": "https://example.org/mnist.npz"} if source == "mnist" else {})
        own = {"dataset": dataset, "model": {"architecture": "digit_cnn"}, key: entry}
        content = {**settings_of, "experiments": {"own": own}}
        if error:
            with pytest.raises(error, match=rf"{key}\.{next(iter(entry))}"):
                resolution.resolve(content)
        else:
            # The size of a table is known when it has been read.
            resolution.resolve(content)
            resolution.require_fit(content, "own", (28, 28), 1)
            with pytest.raises(InputError, match=rf"{key}\.{next(iter(entry))}"):
                resolution.require_fit(content, "own", (8, 8), 1)
