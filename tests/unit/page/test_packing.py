"""Arrays in a page are the arrays: exact where there is room, rounded or averaged where there is not."""

import numpy as np
import pytest

from pellucid.page import packing


@pytest.mark.parametrize("dtype", ["float32", "int16", "int8"])
def test_values_are_read_back_as_they_were_or_within_half_a_step(rng, dtype):
    maps = rng.normal(size=(3, 20, 2)).astype(np.float32) * np.float32([1e-6, 1, 1e6]).reshape(3, 1, 1)
    read = packing.unpack(packing.pack(maps, dtype))
    steps = {"float32": np.inf, "int16": 32767, "int8": 127}[dtype]
    largest = np.abs(maps).reshape(3, -1).max(1)
    assert (np.abs(read - maps).reshape(3, -1).max(1) <= 0.5001 * largest / steps).all()
    assert read.dtype == np.float32 and read.shape == maps.shape


def test_zero_stays_zero_in_rounded_maps_and_constant_inputs_stay_as_they_are():
    maps = np.float32([[0, 3, -1], [0, 0, 0]])
    assert packing.unpack(packing.pack(maps, "int8"))[:, 0].tolist() == [0, 0]
    assert packing.unpack(packing.pack(maps, "int8"))[1].tolist() == [0, 0, 0]
    inputs = np.float32([[200, 200], [100, 101]])
    np.testing.assert_allclose(packing.unpack(packing.pack(inputs, "int8", centred=True)), inputs, atol=0.01)


def test_bits_are_read_back():
    array = np.random.default_rng(0).random((3, 7, 3)) > 0.5
    assert (packing.unpack(packing.pack_bits(array)) == array).all()


@pytest.mark.parametrize(
    ("sizes", "channels", "examples", "expected"),
    [
        ([187], [1] * 22, 15, packing.Plan("float32", 15, 1)),
        ([100_000], [1] * 3, 10, packing.Plan("int16", 10, 1)),
        ([100_000], [1] * 6, 10, packing.Plan("int8", 10, 1)),
        ([224, 224], [3] + [1] * 9, 40, packing.Plan("int8", 9, 1)),
        # Too large for six examples: neighbours are averaged.
        ([1000, 1000], [1] * 20, 20, packing.Plan("int8", 7, 5)),
        ([40], [1], 0, packing.Plan("float32", 0, 1)),
    ],
)  # fmt: skip
def test_a_plan_keeps_the_most_that_there_is_room_for(sizes, channels, examples, expected):
    plan = packing.plan(sizes, channels, examples)
    assert plan == expected
    values = np.prod([-(-size // plan.block) for size in sizes]) * sum(channels) * plan.examples
    assert values * np.dtype(plan.dtype).itemsize <= packing.ROOM


def test_blocks_are_means_and_of_bits_any():
    maps = np.arange(10, dtype=np.float32).reshape(1, 5, 2)
    assert packing.averaged(maps, 2)[0].tolist() == [[1, 2], [5, 6], [8, 9]]
    assert packing.averaged(maps > 8, 2)[0].tolist() == [[False, False], [False, False], [False, True]]
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
    assert packing.averaged(image, 2)[0, ..., 0].tolist() == [[2.5, 4.5], [8.5, 10.5]]
    assert packing.averaged(image, 1) is image
