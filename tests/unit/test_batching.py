"""Blocks of work: everything once, nothing above the size."""

import numpy as np
import pytest

from pellucid.batching import block_size, blocks, squares


@pytest.mark.parametrize("parts", [blocks, squares])
@pytest.mark.parametrize(("inputs", "others"), [(1, 50), (16, 50), (5, 1), (3, 7), (0, 4)])
@pytest.mark.parametrize("size", [1, 2, 7, 64, 256])
def test_every_pair_is_in_one_block_that_fits(parts, inputs, others, size):
    seen = np.zeros((inputs, others), int)
    for part, some in parts(inputs, others, size):
        assert 0 < seen[part, some].size <= size
        seen[part, some] += 1
    assert (seen == 1).all()


def test_squares_send_few_rows_forward():
    """Of 16 × 50 pairs in blocks of 256: at most twice as many as blocks of any other shape need at best."""
    sent = sum(part.stop - part.start + some.stop - some.start for part, some in squares(16, 50, 256))
    best = min(
        -(-16 // n) * -(-50 // m) * (min(n, 16) + min(m, 50)) for n in range(1, 17) for m in range(1, 256 // n + 1)
    )
    assert sent <= 2 * best
    # One input meets as many rows as fit.
    assert list(squares(1, 50, 256)) == [(slice(0, 1), slice(0, 50))]


def test_a_block_of_altered_inputs_fits_the_batch_and_the_cache():
    assert block_size(256, (186, 1)) == 256
    assert block_size(256, (224, 224, 3)) == 6
    assert block_size(256, (4096, 4096, 3)) == 1
