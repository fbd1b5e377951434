"""The figures of a whole test set: class maps, groups of maps, and which channel and time."""

import numpy as np
import pandas as pd
import pytest

from pellucid import tables
from pellucid.draw import class_maps, importance, map_groups, style
from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise import importance as shares_of
from pellucid.summarise.class_maps import class_maps as maps_by_class
from pellucid.summarise.map_groups import coarse_maps
from pellucid.summarise.map_groups import group as grouped
from pellucid.summarise.permutation import CHANNEL, PLACE

LABELS = np.array([0, 0, 0, 1])
INFO = {
    "kind": "series",
    "classes": ["many", "one"],
    "channels": ["MLII", "V5"],
    "sampling_rate_hz": 10.0,
    "unit": "mV",
    "task": "single_label",
}


@pytest.fixture
def measured(rng):
    """The attributions of four examples (20 samples, 2 channels), and the examples."""
    maps = rng.normal(size=(4, 20, 2)).astype(np.float32)
    return MeasuredMaps((maps[:, np.newaxis],), 0, None, np.arange(4)), rng.random((4, 20, 2), np.float32)


def drawn(make):
    """The figure that a function makes in the project's style, laid out, and all of its texts."""
    with style.styled():
        figure = make()
        figure.draw_without_rendering()
    return figure, [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


@pytest.mark.parametrize(
    ("method", "parameters", "task", "unit"),
    [
        ("occlusion", {}, "single_label", "drop of the logit"),
        ("occlusion", {}, "multi_label", "drop of the label's logit"),
        ("smoothgrad", {"mode": "squared"}, "regression", "mean of (∂ predicted value / ∂ input)²"),
    ],
)
def test_class_maps_have_the_unit_of_the_task_and_the_parameters(measured, method, parameters, task, unit):
    maps, x = measured
    arrays = maps_by_class(maps, x, LABELS, INFO["classes"], None, None)
    info = {**INFO, "task": task}
    _, texts = drawn(lambda: class_maps.figure(method, {"channels": "each"} | parameters, arrays, info, "T", "none"))
    assert any(unit in text for text in texts)


def test_class_maps_say_of_how_many_examples_and_groups_they_are(measured):
    maps, x = measured
    arrays = maps_by_class(maps, x, LABELS, INFO["classes"], np.array(["r1", "r1", "r2", "r2"]), None)
    figure, texts = drawn(lambda: class_maps.figure("saliency", {"mode": "signed"}, arrays, INFO, "Title", "none"))
    assert "many: 3 examples of 2 groups" in texts
    assert "one: 1 example (no band)" in texts
    assert {"MLII", "V5"} <= set(texts)  # as the data spell them
    # The mean of both channels, each moved to a row of its own.
    lines = [line.get_ydata() for line in figure.axes[0].lines if len(line.get_ydata()) == 20]
    expected = maps[np.arange(3)].mean(0)
    assert any(np.corrcoef(line, expected[:, 0])[0, 1] > 0.9999 for line in lines)


def test_shares_of_the_first_of_many_channels_are_those_of_all_attribution(rng, monkeypatch):
    monkeypatch.setattr(class_maps, "_MOST_CHANNELS", 2)
    maps = MeasuredMaps((rng.random((4, 1, 20, 3), np.float32),), 0, None, np.arange(4))
    arrays = maps_by_class(maps, rng.random((4, 20, 3), np.float32), LABELS, INFO["classes"], None, None)
    info = {**INFO, "channels": ["I", "II", "III"]}
    _, texts = drawn(lambda: class_maps.figure("saliency", {"mode": "signed"}, arrays, info, "Title", "none"))
    assert any("2 of 3 channels" in text for text in texts)
    largest = 100 * arrays["share"][:, :, :2].max()
    assert f"distance of two rows: {largest / 0.8:.3g} % of all attribution" in texts


def test_groups_of_maps_are_counted_and_flags_are_told(measured):
    maps, x = measured
    tests = [
        {"of": "record", "strength": 1.0, "p": 0.001, "p corrected": 0.002, "reason": "", "detail": "r1 (3 of 3)",
         "flag": True},
        {"of": "place", "strength": None, "p": None, "p corrected": None, "reason": "fewer than 5 examples",
         "detail": "", "flag": False},
    ]  # fmt: skip
    entries = [
        {"class": "many", "output": 0, "number": 1, "examples": 3, "typical": [2], "tests": tests, "flags": ["x"]},
        {"class": "one", "output": 1, "number": 1, "examples": 1, "typical": [3], "tests": tests[1:], "flags": []},
    ]
    rows = {("many", 1): np.array([2, 0, 1]), ("one", 1): np.array([3])}
    for kept, said in ((2, "2 groups, 2 shown, 1 flagged"), (1, "1 group, 1 shown, 1 flagged")):
        facts = {"groups": entries[:kept]}
        _, texts = drawn(lambda facts=facts: map_groups.figure("saliency", maps, x, rows, facts, INFO, "Title"))
        assert any(said in text for text in texts), said
        assert "many, group 1 of 1: 3 examples" in texts
        assert ("one, group 1 of 1: 1 example" in texts) == (kept == 2)
        assert any("⚑ follows the record" in text for text in texts)
        assert any("not tested: fewer than 5" in text for text in texts)


def test_maps_that_are_zero_everywhere_have_no_group(measured):
    maps = MeasuredMaps((np.zeros((4, 1, 20, 2), np.float32),), 0, None, np.arange(4))
    assert grouped(coarse_maps(maps), LABELS, INFO["classes"]).groups == []
    _, texts = drawn(lambda: map_groups.figure("grad_cam", maps, measured[1], {}, {"groups": []}, INFO, "Title"))
    assert any("There is no group: the maps of all measured examples are zero everywhere" in text for text in texts)


def test_importance_names_channels_and_places_and_what_shuffling_costs(rng):
    shares = {CHANNEL: rng.random((4, 2), np.float32), PLACE: rng.random((4, 3), np.float32)}
    scopes = [(tables.ALL, tables.ALL), (tables.CLASS, "many"), (tables.CLASS, "one")]
    rows = [
        (kind, number, *scope, 0.1 * number, 0.0, 0.3)
        for kind, names in shares.items()
        for number in range(names.shape[1])
        for scope in scopes
    ]
    permuted = pd.DataFrame(rows, columns=["of", "number", "over", "class", "mean", "low", "high"])
    names = ["start", "middle", "end"]
    table = shares_of.table(shares, permuted, LABELS, INFO["classes"], INFO["channels"], names, per_channel=True)
    agreement = {"per_channel": True, "tau": shares_of.agreement(table)}

    def make():
        return importance.figure("occlusion", tables.over_all(table), shares, agreement, LABELS[:4], INFO, "Title")

    figure, texts = drawn(make)
    assert {"MLII", "V5", *names, *INFO["classes"]} <= set(texts)
    assert any("4 examples; left: what the method says" in text for text in texts)
    widths = [bar.get_width() for bar in figure.axes[3].patches]
    np.testing.assert_allclose(widths, [0.0, 0.1, 0.2])
