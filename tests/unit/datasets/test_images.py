"""Images as other programs write them: their pixels, sizes, colours, orientation and folders."""

import numpy as np
import pytest
from PIL import Image

from pellucid.config import named_files
from pellucid.datasets import images
from pellucid.datasets.base import UNLABELLED
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError


def load(folder, **parameters):
    return images.load({}, np.random.default_rng(0), folder=str(folder), **parameters)


def put(folder, name, pixels, **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels)).save(path, **options)
    return path


def colours(rng, height, width):
    return rng.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_pixels_of_the_wanted_size_are_kept(tmp_path, rng, suffix):
    pixels = [colours(rng, 8, 12) for _ in range(4)]
    options = {"lossless": True} if suffix == "webp" else {}
    for number, one in enumerate(pixels):
        put(tmp_path, f"{'ab'[number % 2]}/{number}.{suffix}", one, **options)
    raw = load(tmp_path, size=[8, 12])
    np.testing.assert_array_equal(raw.train.x, np.stack([pixels[i] for i in (0, 2, 1, 3)]) / np.float32(255))
    assert raw.train.y.tolist() == [0, 0, 1, 1]
    assert (raw.classes, raw.channels, raw.notes) == (("a", "b"), ("red", "green", "blue"), ())


def test_one_colour_image_makes_all_three_channels(tmp_path, rng):
    grey = colours(rng, 8, 8)[:, :, 0]
    put(tmp_path, "a/0.png", grey)
    put(tmp_path, "b/0.png", grey)
    assert load(tmp_path, size=[8, 8]).channels == ("intensity",)
    put(tmp_path, "b/1.png", colours(rng, 8, 8))
    raw = load(tmp_path, size=[8, 8])
    np.testing.assert_array_equal(raw.train.x[0], np.repeat(grey[:, :, None], 3, 2) / np.float32(255))
    assert load(tmp_path, size=[8, 8], colour="grey").train.x.shape == (3, 8, 8, 1)


def test_images_without_class_folders_have_no_labels(tmp_path, rng):
    pixels = [colours(rng, 8, 8) for _ in range(3)]
    for name, picture in zip(("2.png", "1.png", "deep/er/0.png"), pixels, strict=True):
        put(tmp_path, name, picture)
    raw = load(tmp_path, size=[8, 8], labels="none", known=["no", "yes"])
    np.testing.assert_array_equal(raw.train.x, np.stack([pixels[i] for i in (1, 0, 2)]) / np.float32(255))
    assert (raw.train.y.tolist(), raw.classes, raw.test) == ([UNLABELLED] * 3, (), None)
    assert not images.labelled(labels="none", folder=str(tmp_path))
    with pytest.raises(
        InputError, match=r"1 folder\(s\) and 2 file\(s\); expected at least 2.* labels: none takes all"
    ):
        load(tmp_path, size=[8, 8])
    for key in ("test_folder", "group"):
        with pytest.raises(InputError, match=f"images.{key}: found other, and labels: none; expected none"):
            images.check(**{"labels": "none", "test_folder": "none", "group": "none", key: "other"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="a folder without files"):
        load(tmp_path / "empty", size=[8, 8], labels="none")


def test_sixteen_bits_keep_their_range(tmp_path):
    ramp = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    path = put(tmp_path, "a/0.png", ramp)
    put(tmp_path, "b/0.png", ramp)
    np.testing.assert_allclose(images.read(path, (8, 8), fit="crop", grey=True)[:, :, 0], ramp / 65535, atol=1e-6)
    assert abs(images.read(path, (8, 8), fit="crop", grey=False)[:, :, 1] - ramp / 65535).max() < 1 / 255


def test_crop_keeps_proportions_and_stretch_keeps_all(tmp_path):
    # Three squares of 8 pixels side by side, black, grey, white.
    pixels = np.repeat(np.array([0, 100, 255], np.uint8), 8)[None, :].repeat(8, 0)
    path = put(tmp_path, "a/wide.png", pixels)
    np.testing.assert_array_equal(images.read(path, (8, 8), fit="crop", grey=True), np.full((8, 8, 1), 100 / 255, "f4"))
    stretched = images.read(path, (4, 6), fit="stretch", grey=True)[:, :, 0]
    assert stretched.shape == (4, 6)
    assert stretched[:, 0].max() < 0.05 and stretched[:, -1].min() > 0.95


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_orientation_is_honoured(tmp_path, orientation):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :12] = 255  # bright at the top left
    stored = {3: np.rot90(upright, 2), 6: np.rot90(upright), 8: np.rot90(upright, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = put(tmp_path, "a/0.jpg", np.ascontiguousarray(stored), exif=exif, quality=95)
    read = images.read(path, (16, 24), fit="crop", grey=True)[:, :, 0]
    np.testing.assert_allclose(read, upright / 255, atol=0.05)
    assert images._mode_and_size(path)[1] == (24, 16)


def test_a_large_jpeg_is_read_as_if_decoded_whole(tmp_path):
    y, x = np.mgrid[:600, :800]
    smooth = (127 + 60 * np.sin(x / 40) + 60 * np.cos(y / 60)).astype(np.uint8)
    path = put(tmp_path, "a/0.jpg", smooth, quality=95)
    whole = Image.open(path).convert("L").resize((40, 30), Image.Resampling.BILINEAR)
    read = images.read(path, (30, 40), fit="crop", grey=True)[:, :, 0]
    np.testing.assert_allclose(read, np.asarray(whole) / 255, atol=0.02)


def test_transparent_parts_are_white(tmp_path):
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2] = (10, 20, 30, 255)
    read = images.read(put(tmp_path, "a/0.png", pixels), (4, 4), fit="crop", grey=False)
    np.testing.assert_allclose(read[0, 0] * 255, (10, 20, 30), atol=1e-3)
    np.testing.assert_array_equal(read[2:], 1)


def test_hidden_files_are_left_out_and_small_images_told(tmp_path, rng):
    for name in "ab":
        put(tmp_path, f"{name}/deep/0.png", colours(rng, 4, 4))
        (tmp_path / name / ".DS_Store").write_bytes(b"\0")
        (tmp_path / name / "Thumbs.db").write_bytes(b"\0")
    (tmp_path / "README.txt").write_text("about these images")
    (tmp_path / ".cache").mkdir()
    raw = load(tmp_path, size=[8, 8])
    assert raw.train.x.shape == (2, 8, 8, 3)
    assert raw.notes == ("2 of 2 images are smaller than 8 × 8 pixels, and enlarged.",)


def test_groups_and_a_test_folder(tmp_path, rng):
    for name in ("a/p1/0.png", "a/p2/0.png", "b/p1/0.png", "b/p3/1.png"):
        put(tmp_path / "train", name, colours(rng, 8, 8))
    for name in ("b/p4/0.png", "b/p4/1.png"):
        put(tmp_path / "test", name, colours(rng, 8, 8))
    raw = load(tmp_path / "train", test_folder=str(tmp_path / "test"), group="subfolder", size=[8, 8])
    assert raw.train.group.tolist() == ["p1", "p2", "p1", "p3"]
    assert raw.test.y.tolist() == [1, 1]
    assert load(tmp_path / "train").train.group is None


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_folders_larger_than_the_memory_give_the_same_arrays(tmp_path, rng, colour):
    for name in ("a/0.png", "a/1.png", "b/0.png", "b/1.jpg"):
        put(tmp_path / "train", name, colours(rng, 9, 12))
    put(tmp_path / "test", "b/0.png", colours(rng, 9, 12))
    settings = {"test_folder": str(tmp_path / "test"), "size": [8, 8], "colour": colour}
    whole = load(tmp_path / "train", **settings)
    mapped = load(tmp_path / "train", **settings, scratch=SpillBuffer(tmp_path / "data", 0))
    for one, other in ((whole.train, mapped.train), (whole.test, mapped.test)):
        assert isinstance(other.x, np.memmap) and not isinstance(one.x, np.memmap)
        assert other.x.dtype == one.x.dtype == np.float32
        np.testing.assert_array_equal(other.x, one.x)
        np.testing.assert_array_equal(other.y, one.y)
    assert whole.train.x.shape == (4, 8, 8, 1 if colour == "grey" else 3)
    assert images.SPEC.scratch


def test_an_image_behind_a_linked_class_folder_makes_the_data_new(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
        (tmp_path / "elsewhere" / name / "1.png").write_bytes(b"1")
    (tmp_path / "photographs").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "photographs" / name).symlink_to(tmp_path / "elsewhere" / name)
    experiment = {"dataset": {"source": "images", "folder": str(tmp_path / "photographs"), "test_folder": "none"}}
    before = named_files.listing_of(experiment)
    (tmp_path / "elsewhere" / "cat" / "2.png").write_bytes(b"2")
    assert named_files.listing_of(experiment) != before
