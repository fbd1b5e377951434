"""Class maps, shares and permutation importance against closed forms."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pellucid import files, tables
from pellucid.errors import InputError
from pellucid.explain.shared.measured_maps import BLOCK, MeasuredMaps, blocks_of
from pellucid.summarise import events, importance, permutation
from pellucid.summarise.by_class import by_class, candidates
from pellucid.summarise.class_maps import class_maps
from pellucid.summarise.grouped_means import mean_and_band
from pellucid.summarise.places import Places
from pellucid.summarise.selection import draw


@pytest.mark.parametrize("parts", [1, 4, 16])
def test_parts_are_whole_blocks_that_cover_all_examples(parts):
    for examples in (0, 1, BLOCK, 10 * BLOCK + 1):
        blocks = [block for part in range(1, parts + 1) for block in blocks_of(examples, part, parts)]
        assert blocks == blocks_of(examples, 1, 1)
        assert sum(rows.stop - rows.start for _, rows in blocks) == examples


def test_the_band_of_independent_examples_is_students_interval(rng):
    values = rng.gamma(2, size=(50, 7, 2))
    band = mean_and_band(lambda rows: values[rows], np.arange(50), None)
    low, high = stats.t.interval(0.95, 49, values.mean(0), stats.sem(values))
    np.testing.assert_allclose([band.mean, band.low, band.high], [values.mean(0), low, high])


def test_the_band_of_equal_recordings_is_that_of_their_means(rng, monkeypatch):
    monkeypatch.setattr("pellucid.summarise.grouped_means._VALUES", 21)  # 7 examples: recordings are divided
    values, groups = rng.normal(size=(40, 3)), np.tile([f"r{number}" for number in range(8)], 5)
    band = mean_and_band(lambda rows: values[rows], np.arange(40), groups)
    means = np.array([values[groups == name].mean(0) for name in np.unique(groups)])
    low, high = stats.t.interval(0.95, 7, means.mean(0), stats.sem(means))
    np.testing.assert_allclose([band.mean, band.low, band.high], [means.mean(0), low, high])


def test_missing_values_do_not_count_and_a_single_recording_has_no_band(rng):
    values = rng.normal(size=(10, 2))
    values[:6, 1], values[0, 0] = np.nan, np.nan
    band = mean_and_band(lambda rows: values[rows], np.arange(10), None)
    assert band.mean[0] == pytest.approx(np.nanmean(values[:, 0]))
    low, high = stats.t.interval(0.95, 8, values[1:, 0].mean(), stats.sem(values[1:, 0]))
    assert (band.low[0], band.high[0]) == (pytest.approx(low), pytest.approx(high))
    # Fewer than half of the examples have the second value.
    assert np.isnan(band.mean[1])
    alone = mean_and_band(lambda rows: values[rows, :1], np.arange(1, 10), np.zeros(9))
    assert np.isnan(alone.low[0])
    assert np.isfinite(alone.mean[0])


def of(values, filled=None, parts=3):
    return MeasuredMaps(tuple(np.array_split(values[:, np.newaxis], parts)), 0, filled, np.arange(len(values)))


def test_aligned_class_maps_find_one_hill_where_evidence_moves(rng):
    event = rng.integers(20, 60, 30).astype(np.float32)
    maps = np.exp(-0.5 * ((np.arange(80) - event[:, np.newaxis]) / 2) ** 2)[..., np.newaxis].astype(np.float32)
    labels = np.zeros(30, np.int64)
    arrays = class_maps(of(maps), maps, labels, ["only"], None, event)
    reference = int(arrays["reference"])
    assert arrays["mean"][0, :, 0][reference] == pytest.approx(1)
    assert np.nanargmax(arrays["mean"][0, :, 0]) == reference
    # All maps are the same after the alignment: there is nothing to be uncertain about.
    assert float((arrays["high"] - arrays["low"])[0, reference, 0]) == pytest.approx(0, abs=1e-6)
    as_they_are = class_maps(of(maps), maps, labels, ["only"], None, None)
    assert as_they_are["mean"].max() < 0.5
    assert np.isfinite(as_they_are["mean"]).all()
    assert not np.isinf(arrays["mean"]).any()


def test_class_maps_do_not_depend_on_the_parts(rng):
    maps = rng.normal(size=(70, 9, 2)).astype(np.float32)
    filled = rng.random(maps.shape) < 0.9
    labels, groups = rng.integers(0, 3, 70), rng.integers(0, 9, 70).astype(str)
    results = [class_maps(of(maps, filled, parts), maps, labels, "abc", groups, None) for parts in (1, 4, 16)]
    for other in results[1:]:
        for name, array in results[0].items():
            np.testing.assert_array_equal(other[name], array)


def test_shares_sum_to_one_over_channels_and_over_places(rng):
    maps = rng.normal(size=(12, 50, 3)).astype(np.float32)
    maps[4] = 0
    shares = importance.by_channel_and_place(of(maps), Places.of((50,), 20))
    assert shares["place"].shape == (12, 20)
    known = np.arange(12) != 4
    for values in shares.values():
        np.testing.assert_allclose(values[known].sum(1), 1, rtol=1e-5)
        assert np.isnan(values[4]).all()
    np.testing.assert_allclose(shares["channel"][0], np.abs(maps[0]).sum(0) / np.abs(maps[0]).sum(), rtol=1e-5)


def test_places_cover_each_position_once_and_are_named():
    series = Places.of((10,), 4, {"sampling_rate_hz": 5})
    assert series.of_position.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    assert series.names == ("0–0.6 s", "0.6–1.2 s", "1.2–1.6 s", "1.6–2 s")
    image = Places.of((4, 6), 2)
    assert image.names[1] == "rows 0–1, columns 3–5"
    assert image.of_position[0, 5] == 1
    assert image.of_position[3, 0] == 2


def test_permutation_importance_of_a_linear_model_is_twice_the_covariance(rng):
    # Squared error of f(x) = 3 a + 0 b with y = 3 a: shuffling a costs 2 · 9 · var(a) (Fisher et al. 2019).
    x = rng.normal(size=(4000, 1, 2)).astype(np.float32)
    chosen = {"labels": np.zeros(4000, np.int64), "answers": 3 * x[:, 0, :1]}
    found = permutation.importances(
        lambda inputs: 3 * inputs[:, 0, :1],
        permutation.loss_of("regression", chosen),
        x,
        np.arange(4000),
        Places.of((1,), 20),
        ["a", "b"],
        rng,
    )
    gained = {name: float(increase.mean()) for kind, _, name, increase, _ in found if kind == "channel"}
    assert gained["a"] == pytest.approx(18 * x[:, 0, 0].var(), rel=0.05)
    assert gained["b"] == 0


def test_an_example_that_is_measured_for_two_labels_counts_once_in_the_band(rng, tmp_path, monkeypatch):
    x = rng.normal(size=(30, 2, 2)).astype(np.float32)
    files.write_array(tmp_path / "x.npy", x)
    labels = np.repeat([0, 1], 30)
    chosen = {"indices": np.tile(np.arange(30), 2), "labels": labels, "answers": np.ones((60, 2), np.uint8)}
    files.write_arrays(tmp_path / "examples.npz", chosen)
    info = {"shape": [2, 2], "classes": ["a", "b"], "channels": ["c", "d"], "task": "multi_label"}
    files.write_json(tmp_path / "data.json", info)
    # Both labels are the same: the second one tells nothing new.
    model = SimpleNamespace(logits=lambda x, called: np.repeat(x[:, 0, :1], 2, axis=1), hold=lambda values: None)
    monkeypatch.setattr(permutation.ExplainedModel, "load", lambda *path, **limits: model)
    permutation.run(
        model="model.keras", examples=tmp_path / "examples.npz", x=tmp_path / "x.npy", seed=1, threads=1, memory_mb=16,
        data_info=tmp_path / "data.json", table=tmp_path / "table.csv",
    )  # fmt: skip
    rows = tables.read(tmp_path / "table.csv", words=(*tables.WORDS, "name"))
    rows = rows[(rows["of"] == "channel") & (rows["name"] == "c")].set_index("class")
    width = (rows["high"] - rows["low"]).to_dict()
    assert width["all"] == pytest.approx((width["a"] + width["b"]) / 2, rel=0.2)


def test_losses_are_those_of_scikit_learn(rng):
    from sklearn.metrics import log_loss

    outputs, labels = rng.normal(size=(50, 3)), rng.integers(0, 3, 50)
    loss, hits = permutation.loss_of("single_label", {"labels": labels})(outputs, np.arange(50))
    p = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    assert loss.mean() == pytest.approx(log_loss(labels, p, labels=[0, 1, 2]))
    assert hits.mean() == (outputs.argmax(1) == labels).mean()
    answers = rng.integers(0, 2, (50, 3)).astype(np.uint8)
    loss, hits = permutation.loss_of("multi_label", {"labels": labels, "answers": answers})(outputs, np.arange(50))
    own = outputs[np.arange(50), labels]
    assert loss.mean() == pytest.approx(log_loss(answers[np.arange(50), labels], 1 / (1 + np.exp(-own))))
    assert hits is None


def test_the_agreement_is_kendalls_and_needs_three_channels():
    rows = pd.DataFrame({"of": "channel", "over": "all", "class": "all", "share": [0.5, 0.3, 0.2, 0.1]})
    rows["loss increase"] = [4.0, 3.0, 1.0, 2.0]
    assert importance.agreement(rows)[0]["tau"] == pytest.approx(2 / 3, abs=1e-6)
    assert importance.agreement(rows[:2])[0]["tau"] is None


def test_the_draw_of_a_class_does_not_depend_on_the_number_or_on_other_classes(rng):
    answers = rng.integers(0, 3, 90)
    few, labels = draw(answers, 3, 5, np.random.default_rng(1))
    more, _ = draw(answers, 3, 12, np.random.default_rng(1))
    every, _ = draw(answers, 3, "all", np.random.default_rng(1))
    assert set(few) <= set(more) <= set(every) == set(range(90))
    assert np.bincount(labels).tolist() == [5, 5, 5]
    np.testing.assert_array_equal(answers[few], labels)


def test_examples_stand_for_classes_labels_or_values():
    assert candidates(np.array([0, 1, 0]), 0).tolist() == [0, 2]
    assert candidates(np.array([[1, 0], [1, 1]], np.uint8), 1).tolist() == [1]
    assert candidates(np.zeros((3, 2), np.float32), 1).tolist() == [0, 1, 2]
    # An example with two labels stands for both.
    indices, labels = draw(np.array([[1, 0], [1, 1]], np.uint8), 2, "all", np.random.default_rng(0))
    assert list(zip(indices.tolist(), labels.tolist(), strict=True)) == [(0, 0), (1, 0), (1, 1)]
    assert [(members.name, members.rows.tolist()) for members in by_class(labels, "ab")] == [("a", [0, 1]), ("b", [2])]


def test_the_event_is_the_r_peak_nearest_to_the_middle_and_found_once(monkeypatch):
    from pellucid.datasets.heartbeats import r_peaks

    searched = []

    def find(x, channels, rate):
        searched.append((tuple(channels), rate))
        return np.array([100, 480, 900]) if x[0, 0] else np.zeros(0, np.int64)

    monkeypatch.setattr(r_peaks, "find_in_leads", find)
    x = np.zeros((3, 1000, 2), np.float32)
    x[1:] = 1
    data = {"sampling_rate_hz": 250, "channels": ["I", "II"]}
    found = events.positions("r_peak", x, {}, np.array([0, 1, 2, 1]), np.zeros(4, int), data)
    np.testing.assert_array_equal(found, [np.nan, 480, 480, 480])
    assert searched == [(("I", "II"), 250.0)] * 3


def test_events_that_cannot_be_known_are_refused():
    x, data = np.zeros((2, 10, 1)), {"sampling_rate_hz": None, "channels": ["I"]}
    with pytest.raises(InputError, match="without a sampling rate"):
        events.positions("r_peak", x, {}, np.arange(2), np.zeros(2, int), data)
    with pytest.raises(InputError, match="plants no evidence"):
        events.positions("planted", x, {}, np.arange(2), np.zeros(2, int), data)
    with pytest.raises(InputError, match="images"):
        events.positions("planted", np.zeros((2, 4, 4, 1)), {}, np.arange(2), np.zeros(2, int), data)
    truth = np.zeros((2, 10, 1), np.bool_)
    truth[1, 3:6] = True
    np.testing.assert_array_equal(
        events.positions("planted", x, {"test": truth}, np.arange(2), np.zeros(2, int), data), [np.nan, 4]
    )
