"""Segments: sizes counted by hand, and superpixels that follow edges that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.explain.shared.coalitions import values_of_segments
from pellucid.explain.shared.segments import by_number, parts, segmentation


def halves(rng, n=3, size=24):
    """Images of two flat halves, cut by a slanted edge, with a little noise; and where the edge is."""
    row, column = np.mgrid[:size, :size]
    edge = column > size // 3 + row // 3
    return (edge * 1.0 + rng.normal(0, 0.01, (n, size, size)))[..., np.newaxis].astype(np.float32), edge


def test_a_series_is_cut_into_slices_that_differ_by_one_sample_at_most(rng):
    labels = segmentation(rng.random((4, 186, 1), np.float32), segments=12)
    assert labels.shape == (1, 186, 1)
    assert (np.diff(labels[0, :, 0]) >= 0).all()
    sizes = np.bincount(labels.ravel())
    assert len(sizes) == 12
    assert sizes.min() == 15
    assert sizes.max() == 16


def test_channels_have_segments_of_their_own_or_share_them(rng):
    inputs = rng.random((2, 30, 3), np.float32)
    each, together = (segmentation(inputs, segments=5, channels=channels)[0] for channels in ("each", "together"))
    assert np.unique(together).tolist() == list(range(5))
    assert (together == together[:, :1]).all()
    assert np.unique(each).tolist() == list(range(15))
    np.testing.assert_array_equal(each, together + 5 * np.arange(3))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((186,), (12,)),
        ((300,), (20,)),
        ((9,), (4,)),
        ((8, 8), (4, 4)),
        ((28, 28), (7, 7)),
        ((224, 224), (7, 7)),
        ((1, 40), (1, 7)),
    ],
)
def test_auto_fits_every_size(shape, expected, rng):
    assert parts(shape) == expected
    labels = segmentation(rng.random((1, *shape, 2), np.float32), channels="together")
    assert labels.max() + 1 == np.prod(expected)


@pytest.mark.parametrize(
    ("shape", "number", "blocks"),
    [((20, 20), 25, (4, 4)), ((10, 40), 16, (5, 5)), ((40, 10), 16, (5, 5)), ((3, 30), 30, (2, 2))],
)
def test_blocks_of_an_image_are_as_square_as_they_can_be(shape, number, blocks, rng):
    labels = segmentation(rng.random((1, *shape, 1), np.float32), segments=number)[0, ..., 0]
    for label in range(labels.max() + 1):
        found = np.argwhere(labels == label)
        assert (np.ptp(found, axis=0) + 1 <= blocks).all()
    assert abs(labels.max() + 1 - number) <= number / 10


def test_superpixels_do_not_cross_an_edge_and_blocks_do(rng):
    images, edge = halves(rng)

    def mixed(labels):
        return sum(0 < edge[labels == label].mean() < 1 for label in range(labels.max() + 1))

    superpixels = segmentation(images, partition="superpixels", segments=16)
    assert len(superpixels) == 3
    for one in superpixels[..., 0]:
        assert np.unique(one).tolist() == list(range(one.max() + 1))
        assert mixed(one) == 0
    assert mixed(segmentation(images, segments=16)[0, ..., 0]) > 3


def test_superpixels_do_not_depend_on_the_scale_of_the_values(rng):
    images, _ = halves(rng)
    once, scaled = (segmentation(x, partition="superpixels") for x in (images, images * 300 - 120))
    assert (once == scaled).mean() > 0.99


def test_a_flat_image_has_superpixels_too():
    labels = segmentation(np.zeros((1, 28, 28, 1), np.float32), partition="superpixels")
    assert labels.max() > 1


def test_superpixels_of_each_channel_are_numbered_one_after_the_other(rng):
    images, _ = halves(rng, n=2)
    three = np.repeat(images, 3, axis=-1)
    each, together = (segmentation(three, partition="superpixels", channels=name) for name in ("each", "together"))
    for found, alone in zip(each, together, strict=True):
        np.testing.assert_array_equal(found, alone + (alone.max() + 1) * np.arange(3))


def test_groups_hold_every_example_once_with_its_own_labels(rng):
    labels = np.stack([rng.permutation(np.arange(12) % number) for number in (3, 4, 3, 2)]).astype(np.int32)
    seen = {}
    for number, rows, cut in by_number(labels, 4):
        for row, one in zip(rows, cut, strict=True):
            seen[row] = number
            np.testing.assert_array_equal(one, labels[row])
    assert seen == {0: 3, 1: 4, 2: 3, 3: 2}
    assert [(number, rows.tolist()) for number, rows, _ in by_number(labels[:1], 5)] == [(3, [0, 1, 2, 3, 4])]


@pytest.mark.parametrize("shared", [True, False])
def test_painting_gives_each_sample_its_segments_value_or_its_share(shared):
    labels = np.array([[0, 0, 0, 1], [1, 0, 1, 1]], np.int32)
    found = values_of_segments(np.array([[6.0, 5.0], [7.0, 9.0]]), labels, (2, 4), shared=shared)
    expected = [[2, 2, 2, 5], [3, 7, 3, 3]] if shared else [[6, 6, 6, 5], [9, 7, 9, 9]]
    np.testing.assert_allclose(found, expected)


def test_superpixels_of_a_series_are_refused(rng):
    with pytest.raises(InputError, match='partition: found "superpixels" of examples with 1 axis; expected images'):
        segmentation(rng.random((1, 50, 2), np.float32), partition="superpixels")


def test_more_segments_than_positions_are_refused(rng):
    with pytest.raises(InputError, match="segments: found 51; expected at most the 50 positions"):
        segmentation(rng.random((1, 50, 2), np.float32), segments=51)


def pieces(rng, lengths, channels=2):
    """A series of flat pieces, each of another level, with a little noise, and the piece of each sample."""
    levels = np.cumsum(rng.choice([-1, 1], (len(lengths), channels)) * rng.uniform(1, 2, (len(lengths), channels)), 0)
    piece = np.repeat(np.arange(len(lengths)), lengths)
    return (levels[piece] + rng.normal(0, 0.01, (len(piece), channels))).astype(np.float32), piece


@pytest.mark.parametrize("lengths", [(5, 20, 3, 40), (1, 1, 30), (60, 7), (300, 12, 500, 44)])
def test_change_points_are_where_the_pieces_end(rng, lengths):
    series, piece = pieces(rng, lengths)
    labels = segmentation(series[np.newaxis], segments=len(lengths), partition="change_points", channels="together")
    np.testing.assert_array_equal(labels[0], np.stack([piece, piece], 1))


def test_change_points_of_long_series_are_near_where_the_pieces_end(rng):
    series, piece = pieces(rng, (2000, 150, 1900, 950), 12)
    labels = segmentation(series[np.newaxis], segments=4, partition="change_points", channels="together")
    assert (labels[0, :, 0] != piece).sum() <= 3 * 5  # five neighbours stand together


@pytest.mark.parametrize("units", [(1, 1), (1, 1e4), (1, 0)])
def test_every_channel_counts_alike(rng, units):
    series, piece = pieces(rng, (9, 30, 14))
    labels = segmentation(
        (series * np.array(units, np.float32))[np.newaxis], segments=3, partition="change_points", channels="together"
    )
    np.testing.assert_array_equal(labels[0, :, 0], piece)


def test_each_channel_has_change_points_of_its_own(rng):
    (one, first), (two, second) = pieces(rng, (10, 30, 20), 1), pieces(rng, (33, 4, 23), 1)
    inputs = np.concatenate([one, two], 1)[np.newaxis]
    labels = segmentation(inputs, segments=3, partition="change_points")
    np.testing.assert_array_equal(labels[0], np.stack([first, 3 + second], 1))


@given(
    st.integers(1, 60).flatmap(lambda length: st.tuples(st.just(length), st.integers(2, max(2, length)))),
    st.sampled_from(["random", "constant", "steps"]),
    st.sampled_from(["each", "together"]),
)
def test_change_points_leave_no_segment_out(sizes, kind, channels):
    length, number = sizes
    rng = np.random.default_rng(length)
    values = {
        "random": rng.normal(size=(2, length, 2)),
        "constant": np.ones((2, length, 2)),
        "steps": np.round(rng.normal(size=(2, length, 2))),
    }[kind].astype(np.float32)
    if number > length:
        with pytest.raises(InputError, match=f"at most the {length} positions"):
            segmentation(values, segments=number, partition="change_points", channels=channels)
        return
    labels = segmentation(values, segments=number, partition="change_points", channels=channels)
    assert labels.shape == values.shape
    assert (np.diff(labels, axis=1) >= 0).all()
    for one in labels:
        assert np.unique(one).tolist() == list(range(number * (2 if channels == "each" else 1)))
    # An example's segments depend on the example alone.
    alone = segmentation(values[1:], segments=number, partition="change_points", channels=channels)
    np.testing.assert_array_equal(alone[0], labels[1])


def test_change_points_of_an_image_are_refused(rng):
    with pytest.raises(InputError, match='found "change_points" of examples with 2 axes; expected series, or grid'):
        segmentation(rng.random((1, 20, 20, 1), np.float32), partition="change_points")


@pytest.mark.parametrize(("length", "window", "sizes"), [(12, 4, [4, 4, 4]), (11, 4, [4, 4, 3]), (5, 4, [4, 1])])
def test_windows_have_their_size_and_the_last_one_is_shorter(rng, length, window, sizes):
    each, together = (
        segmentation(rng.random((2, length, 2), np.float32), partition="windows", window=window, channels=channels)
        for channels in ("each", "together")
    )
    counted = np.repeat(np.arange(len(sizes)), sizes)
    np.testing.assert_array_equal(together, np.stack([counted, counted], 1)[np.newaxis])
    np.testing.assert_array_equal(each, np.stack([counted, len(sizes) + counted], 1)[np.newaxis])


def test_windows_of_an_image_are_squares(rng):
    labels = segmentation(rng.random((1, 5, 4, 1), np.float32), partition="windows", window=2)[0, ..., 0]
    np.testing.assert_array_equal(labels, [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3], [4, 4, 5, 5]])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"segments": 5}, "found 5 with partition windows, whose number follows from their size; expected auto"),
        ({"window": 50}, "window: found 50; expected less than the 50 positions of an axis"),
    ],
)
def test_a_number_of_windows_and_a_single_one_are_refused(rng, options, said):
    with pytest.raises(InputError, match=said):
        segmentation(rng.random((1, 50, 2), np.float32), partition="windows", **options)
