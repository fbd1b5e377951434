"""The colour scale of each panel, and what the panel says of it."""

import numpy as np
import pytest

from pellucid.draw.shared.panel_scales import PanelScales, short


def scales(*maps, signed=False, common=False):
    values = np.array(maps, np.float32)
    return PanelScales(values, np.arange(len(values)), signed, common)


def ramp(top, low=0.0):
    return np.linspace(low, top, 50)


def test_each_panel_ends_at_its_own_maximum_and_says_it():
    own = scales(ramp(2), ramp(0.5))
    assert [own.of(index).norm.vmax for index in (0, 1)] == [2, 0.5]
    assert [own.note(index) for index in (0, 1)] == ["max 2", "max 0.5"]


def test_a_common_scale_is_one_and_a_pale_panel_says_so():
    common = scales(ramp(2), ramp(0.1), common=True)
    assert common.of(0).norm.vmax == common.of(1).norm.vmax == 2
    assert common.note(0) == "max 2"
    assert "max 0.1" in common.note(1)
    assert "pale" in common.note(1)
    assert "ends at 2" in common.note(1)


def test_a_weak_panel_of_its_own_scale_says_how_weak_it_is():
    assert "2% of the largest" in scales(ramp(2), ramp(0.04)).note(1)
    assert "less than 1% of the largest" in scales(ramp(2), ramp(1e-5)).note(1)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_maps_without_a_positive_part_are_told_in_words(signed, common):
    made = scales(
        ramp(2), np.zeros(50), ramp(-1, -3), np.full(50, np.nan), np.full(50, 2.0), signed=signed, common=common
    )
    assert made.note(1) == "zero everywhere"
    assert made.note(2) == "no positive values: −3 to −1"
    assert made.note(3) == "nothing was measured"
    assert made.note(4) == "2 everywhere"
    for index in range(5):
        assert made.of(index).norm.vmax > 0


def test_signed_panels_say_both_ends_and_a_spike_where_the_colours_end():
    spike = np.concatenate([np.linspace(-1, 1, 999), [50]])
    made = scales(spike, signed=True)
    assert made.note(0).startswith("max 50, min −1; darkest from ")
    assert made.of(0).norm.vmax < 2


def test_what_no_panel_shows_does_not_count():
    maps = np.stack([ramp(1), ramp(100)]).astype(np.float32)
    made = PanelScales(maps, np.array([0]), False, common=True)
    assert made.of(0).norm.vmax == 1


def test_numbers_have_two_digits_and_a_minus():
    assert [short(value) for value in (0.123, -0.00456, 12.0, 0.0)] == ["0.12", "−0.0046", "12", "0"]
