"""A line of more points than dots goes through all of them, and no strong attribution is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.draw import style
from pellucid.draw.shared.coloured_lines import coloured_segments


def drawn(count, inches, seed=0):
    rng = np.random.default_rng(seed)
    x, y = np.arange(count) / 100, rng.normal(size=count)
    attribution = rng.normal(size=count).astype(np.float32)
    lines = coloured_segments(x, y, attribution, style.Scale.of(attribution, signed=True), 2.0, inches)
    return x, y, attribution, lines


@given(st.integers(2, 3000), st.sampled_from([0.1, 0.7, 6.3]), st.integers(0, 9))
def test_every_point_and_the_strongest_attributions_are_drawn(count, inches, seed):
    x, y, attribution, lines = drawn(count, inches, seed)
    paths = sorted(lines.get_paths(), key=lambda path: path.vertices[0, 0])
    vertices = np.concatenate([path.vertices for path in paths])
    inner = vertices[np.isin(vertices[:, 0], x)]
    np.testing.assert_array_equal(np.unique(inner, axis=0), np.column_stack([x, y]))
    # Each part begins where the one before it ends.
    ends = [path.vertices[-1] for path in paths[:-1]]
    np.testing.assert_array_equal(ends, [path.vertices[0] for path in paths[1:]] or np.empty(0))
    colours = lines.get_array()
    np.testing.assert_array_equal(np.abs(colours), np.sort(np.abs(colours)))
    together = max(1, int(count / (inches * 150)))
    strongest = [
        part[np.abs(part).argmax()] for part in np.split(attribution, range(together, count, together)) if together >= 3
    ] or attribution
    assert sorted(colours) == sorted(strongest)


@pytest.mark.parametrize("count", [50, 200])
def test_few_points_have_a_part_each(count):
    assert len(drawn(count, 1.0)[3].get_paths()) == count


def test_nothing_is_drawn_where_nothing_was_measured():
    x, y, attribution, _ = drawn(3000, 1.0)
    attribution[100:200] = np.nan
    lines = coloured_segments(x, y, attribution, style.Scale.of(attribution, signed=True), 2.0, 1.0)
    assert len(lines.get_paths()) == 2900
