"""TIFF and PNG files of more than 8 bits, turned, inverted or with signs, written byte by byte as the formats say."""

import struct

import numpy as np
import pytest
from PIL import Image

from pellucid.datasets import images
from pellucid.errors import InputError

BITS, PHOTOMETRIC, ORIENTATION, SAMPLE_FORMAT = 258, 262, 274, 339


def write_tiff(path, pixels, *, bits=8, order="<", content=None, **tags):
    """Write an uncompressed TIFF (TIFF 6.0, section 2); `content` holds the bytes of pixels that numpy cannot pack."""
    content = pixels.tobytes() if content is None else content
    height, width = pixels.shape
    short, long = 3, 4
    entries = {256: (long, width), 257: (long, height), BITS: (short, bits), 259: (short, 1), PHOTOMETRIC: (short, 1)}
    entries |= {273: (long, 8), 277: (short, 1), 278: (long, height), 279: (long, len(content))}
    entries |= {int(tag.removeprefix("tag")): (short, value) for tag, value in tags.items()}
    directory = struct.pack(f"{order}H", len(entries))
    for tag, (kind, value) in sorted(entries.items()):
        directory += struct.pack(f"{order}HHI", tag, kind, 1)
        directory += struct.pack(f"{order}HH", value, 0) if kind == short else struct.pack(f"{order}I", value)
    begin = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(content))
    path.write_bytes(begin + content + directory + struct.pack(f"{order}I", 0))
    return path


def read(path, shape):
    return images.read(path, shape, fit="stretch", grey=True)[:, :, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_is_turned_as_its_tag_says(tmp_path, rng, orientation, bits):
    kind = np.uint8 if bits == 8 else np.uint16
    upright = rng.integers(0, 2**bits, (6, 9)).astype(kind)
    # What row 0 and column 0 of the file are, TIFF 6.0, page 36.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    path = write_tiff(tmp_path / "0.tif", np.ascontiguousarray(stored), bits=bits, tag274=orientation)
    np.testing.assert_allclose(read(path, (6, 9)), upright / (2**bits - 1), atol=1e-6)
    assert images._mode_and_size(path)[1] == (9, 6)


@pytest.mark.parametrize(("bits", "order"), [(8, "<"), (8, ">"), (16, "<")])
def test_zero_is_white_where_a_tiff_says_so(tmp_path, rng, bits, order):
    numbers = rng.integers(0, 2**bits, (6, 8)).astype(f"{order}u{bits // 8}")
    path = write_tiff(tmp_path / "0.tif", numbers, bits=bits, order=order, tag262=0)
    np.testing.assert_allclose(read(path, (6, 8)), 1 - numbers / (2**bits - 1), atol=1e-6)


def test_twelve_bits_run_to_one(tmp_path, rng):
    numbers = rng.integers(0, 4096, (6, 8))
    pairs = numbers.reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], 1)
    path = write_tiff(tmp_path / "0.tif", numbers, bits=12, content=packed.astype(np.uint8).tobytes())
    np.testing.assert_allclose(read(path, (6, 8)), numbers / 4095, atol=1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_pixels_with_a_sign_are_refused(tmp_path, bits):
    numbers = np.arange(-24, 24, dtype=f"i{bits // 8}").reshape(6, 8)
    path = write_tiff(tmp_path / "0.tif", numbers, bits=bits, tag339=2)
    with pytest.raises(InputError, match=r"0\.tif: found pixels .*whose range is not known; expected 8 or 16 bits"):
        read(path, (6, 8))


def test_the_transparent_number_of_a_deep_png_is_white(tmp_path):
    numbers = np.array([[0, 1000, 65535, 1000]] * 4, np.uint16)
    Image.fromarray(numbers).save(path := tmp_path / "0.png", transparency=1000)
    np.testing.assert_allclose(read(path, (4, 4)), np.array([[0, 1, 1, 1]] * 4), atol=1e-6)
