"""Which layout a method's figure has, and what the layouts of many channels and of 12 leads show."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage

from pellucid import files
from pellucid.draw import explanation, style
from pellucid.draw.layouts import channels, images, leads, signals
from tests.support import svg

SHUFFLED = ["V6", "aVR", "I", "AVL", "lead II", "III", "avf", "V1", "v2", "V3", "V4", "V5"]


def about(names, unit="mV", rate=20.0, kind="series"):
    return {"kind": kind, "unit": unit, "sampling_rate_hz": rate, "channels": names, "classes": ["a", "b"]}


def drawn_as(folder, data_info, maps, method="occlusion", truth=False, colour_scale="panel"):
    """Draw two examples of two classes with these maps (4, time, channels); the figure's words and the PNG."""
    n, length, count = maps.shape
    rng = np.random.default_rng(0)
    arrays = {
        "inputs": rng.normal(0, 0.3, (n, length, count)).cumsum(1).astype(np.float32) % 1,
        "labels": np.array([0, 0, 1, 1]),
        "predictions": np.array([0, 1, 1, 1]),
        "probabilities": np.tile([0.4, 0.6], (4, 1)),
        "targets": np.array([0, 1, 1, 1]),
        "variants": np.array([method]),
        "attributions": maps[np.newaxis].astype(np.float32),
    }
    if truth:
        arrays["truth"] = maps > 1
    files.write_json(folder / "data.json", data_info)
    files.write_arrays(folder / "attributions.npz", arrays)
    paths = [folder / "figure.png", folder / "figure.svg"]
    explanation.draw(
        method=method,
        variant=method,
        parameters={"relu": True} if method == "grad_cam" else {"window": 3, "channels": "each"},
        title="A title",
        data=folder / "data.json",
        attributions=folder / "attributions.npz",
        pictures=paths,
        colour_scale=colour_scale,
    )
    return svg.words(paths[1]), paths


def figure_of(data_info, maps, method="occlusion", measured=None):
    """The figure itself, laid out."""
    n, length, count = maps.shape
    arrays = {
        "inputs": np.random.default_rng(1).normal(size=(n, length, count)).astype(np.float32),
        "labels": np.array([0, 0, 1, 1]),
        "predictions": np.array([0, 0, 1, 1]),
        "probabilities": np.tile([0.4, 0.6], (4, 1)),
        "targets": np.array([0, 0, 1, 1]),
        "variants": np.array([method]),
        "attributions": maps[np.newaxis].astype(np.float32),
    }
    if measured is not None:
        arrays |= {"measured": measured, "unmeasured_share": np.zeros((1, n))}
    chosen = {"relu": True} if method == "grad_cam" else {"window": 3, "channels": "each"}
    with style.styled():
        made = explanation.figure(method, chosen, method, arrays, data_info, title="A title")
        made.draw_without_rendering()
    return made, arrays


@pytest.mark.parametrize(
    ("data_info", "layout"),
    [
        (about(["ECG"]), signals),
        (about(SHUFFLED), leads),
        (about([f"lead {number}" for number in range(12)]), channels),
        (about(SHUFFLED[:11]), channels),
        (about(["ink"], kind="image"), images),
    ],
)
def test_data_have_the_layout_that_suits_them(data_info, layout):
    assert explanation.layout_of(data_info) is layout.draw


@pytest.mark.parametrize("method", ["occlusion", "grad_cam"])
def test_the_clinical_sheet_names_each_lead_and_hides_no_attribution(tmp_path, rng, method):
    maps = rng.random((4, 200, 12)) if method == "occlusion" else np.repeat(rng.random((4, 200, 1)), 12, axis=2)
    words, _ = drawn_as(tmp_path, about(SHUFFLED), maps, method)
    for lead in SHUFFLED:  # as the data spell them
        # In each of four sheets; lead II a second time, below the others.
        assert words.count(lead) >= 4 * (2 if lead == "lead II" else 1)
    assert "25 mm/s, 10 mm/mV" in " ".join(words)
    assert words.count("time (s)") == (2 if method == "occlusion" else 0)


def test_the_clinical_sheet_has_the_same_bytes_again(tmp_path, rng):
    maps = rng.random((4, 200, 12))
    (tmp_path / "again").mkdir()
    _, first = drawn_as(tmp_path, about(SHUFFLED), maps)
    _, again = drawn_as(tmp_path / "again", about(SHUFFLED), maps)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_each_piece_of_the_sheet_shows_the_lead_and_the_time_that_it_says():
    maps = np.zeros((4, 200, 12))
    # One sample of V5 at 8.2 s, and one of lead II at 6 s, which only the rhythm strip shows.
    maps[:, 164, SHUFFLED.index("V5")], maps[:, 120, SHUFFLED.index("lead II")] = 1, 2
    made, arrays = figure_of(about(SHUFFLED), maps)
    sheet = made.axes[0]
    # A line for each piece, then the pulses of 1 mV: the traces are the long ones.
    traces = [line for line in sheet.lines if len(line.get_xdata()) > 40]
    pieces = [
        found for found in sheet.collections if isinstance(found, LineCollection) and found.get_array() is not None
    ]
    assert [len(line.get_xdata()) for line in traces] == [pytest.approx(50, abs=1)] * 12 + [200]
    strongest = {
        place: piece.get_segments()[-1][1, 0] for place, piece in enumerate(pieces) if piece.get_array().max() > 0
    }
    assert strongest == {leads.LEADS.index("V5"): pytest.approx(8.2), 12: pytest.approx(6.0)}
    signal = arrays["inputs"][0, :, SHUFFLED.index("V5")]
    shown = traces[leads.LEADS.index("V5")].get_ydata()
    np.testing.assert_allclose(np.diff(shown), np.diff(signal[150:200]), atol=1e-5)
    (below,) = [found for found in made.axes[2].images if isinstance(found, AxesImage)]
    np.testing.assert_array_equal(below.get_array()[leads.LEADS.index("V5")], maps[0, :, SHUFFLED.index("V5")])
    # 25 mm/s and 10 mm/mV: a square of 0.2 s and 0.5 mV is square on the page.
    corners = sheet.transData.transform([(0, 0), (0.2, -0.5)])
    width, height = np.abs(corners[1] - corners[0])
    assert width == pytest.approx(height, rel=1e-3)


@pytest.mark.parametrize("data_info", [about(SHUFFLED, unit="standard deviations"), about(SHUFFLED, rate=40.0)])
def test_other_12_lead_data_stand_in_two_columns(tmp_path, rng, data_info):
    words, _ = drawn_as(tmp_path, data_info, rng.random((4, 200, 12)))
    assert "limb leads" in " ".join(words)
    assert "mm/s" not in " ".join(words)
    assert all(words.count(lead) == 4 for lead in SHUFFLED)


@pytest.mark.parametrize("count", [30, 100])
def test_many_channels_stand_on_one_page_with_the_strongest_by_name(rng, count):
    maps = 0.1 * rng.random((4, 60, count))
    strongest = [3, 4, count // 2, count - 1]
    maps[:, 20:30, strongest] = 1
    made, _ = figure_of(about([f"sensor {number}" for number in range(count)], rate=None), maps)
    assert made.get_figheight() < 1.5 * made.get_figwidth()
    above, below = made.axes[0], made.axes[2]
    assert [tick.get_text() for tick in above.get_yticklabels()] == [f"sensor {number}" for number in strongest]
    ticks = below.get_yticklabels()
    bold = {tick.get_text() for tick in ticks if tick.get_fontweight() == "bold"}
    assert bold <= {f"sensor {number}" for number in strongest}
    assert len(bold) >= 3
    boxes = [tick.get_window_extent() for tick in ticks if tick.get_text()]
    boxes.sort(key=lambda box: -box.y0)
    assert all(upper.y0 > lower.y0 + 0.6 * lower.height for upper, lower in pairwise(boxes))


def test_a_map_of_zeros_says_that_no_positive_part_is_left(tmp_path, rng):
    maps = rng.random((4, 80, 1))
    maps[1] = 0
    words, _ = drawn_as(tmp_path, about(["ECG"]), maps, "grad_cam")
    assert words.count("zero everywhere: no positive values") == 1
    assert sum(word.startswith("max ") for word in words) == 3


def test_a_common_scale_has_numbers_at_its_bar(tmp_path, rng):
    maps = rng.random((4, 80, 1)) * np.array([1, 1, 1, 0.01]).reshape(4, 1, 1)
    own, _ = drawn_as(tmp_path, about(["ECG"]), maps)
    common, _ = drawn_as(tmp_path, about(["ECG"]), maps, colour_scale="common")
    assert "own scale" in " ".join(own)
    assert "own scale" not in " ".join(common)
    assert "pale" in " ".join(common)
    assert "pale" not in " ".join(own)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", ["mV", "standard deviations"])
def test_a_lead_that_was_not_measured_is_grey_and_not_white_as_zero(unit):
    maps = np.zeros((4, 200, 12))
    maps[:, 50:60, 0] = 1
    measured = np.ones(maps.shape, bool)
    measured[:, :, SHUFFLED.index("avf")] = False
    made, _ = figure_of(about(SHUFFLED, unit=unit), maps, measured=measured)
    grey = to_rgba(style.UNMEASURED)
    spans = [area for area in made.axes[0].collections if isinstance(area, FillBetweenPolyCollection)]
    shaded = [area for area in spans if area.get_paths() and tuple(area.get_facecolor()[0]) == grey]
    assert len(shaded) == 1
    if unit == "mV":
        (below,) = made.axes[2].images
        pixels = below.to_rgba(below.get_array())
        assert tuple(pixels[leads.LEADS.index("aVF"), 5]) == grey
        assert pixels[leads.LEADS.index("V1"), 5, 3] < 0.02
