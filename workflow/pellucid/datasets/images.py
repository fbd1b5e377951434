"""Images from the user's own folder, with one folder per class, or without labels."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import OWN_CITATION, OWN_LICENCE, UNLABELLED, Examples, RawData, SourceSpec
from pellucid.datasets.readers import damaged, imagenet_classes, pixel_depth
from pellucid.datasets.readers.image_folder import Picture, find, find_all
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.messages import comma_list, did_you_mean

if TYPE_CHECKING:
    from PIL.Image import Image

SPEC = SourceSpec(
    title="Images from a folder",
    kind="image",
    licence=OWN_LICENCE,
    citation=OWN_CITATION,
    homepage="",
    files=imagenet_classes.FILES,
    folders=("folder", "test_folder"),
    scratch=True,
    own_labels=True,
)

fill = imagenet_classes.fill

# Pillow's formats of one image that it decodes itself: PostScript, for example, it passes to another program.
_FORMATS = frozenset(
    ["AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP"]
)
_PIXELS = 100_000_000
_ORIENTATION = 0x0112  # in EXIF
# Pillow's modes of one value per pixel.
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")


def axes(*, size: Sequence[int], **parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return tuple(size)


def labelled(*, labels: str, **parameters: Any) -> bool:
    """Return whether the images have labels."""
    return labels != "none"


def check(*, labels: str, test_folder: str, group: str, **parameters: Any) -> None:
    """Refuse a test folder and groups where the images have no labels.

    Raises:
        InputError: one of them.
    """
    if labels != "none":
        return
    for key, value in (("test_folder", test_folder), ("group", group)):
        if value != "none":
            hint = "Nothing is trained: all images are test examples."
            raise InputError.unexpected(f"images.{key}", f"{value}, and labels: none", "none", hint)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    folder: Annotated[
        str,
        Field(min_length=1, description="a folder with one folder per class; the images may lie at any depth in it"),
    ],
    test_folder: Annotated[
        str,
        Field(
            min_length=1,
            description="a second folder, with the test images. none: they are drawn from the first folder",
        ),
    ] = "none",
    size: Annotated[
        Sequence[Annotated[int, Field(ge=4, le=4_096)]],
        Field(min_length=2, max_length=2, description="height and width, in pixels, to which every image is brought"),
    ] = (64, 64),
    fit: Annotated[
        Literal["crop", "stretch"],
        Field(
            description="crop: keep the proportions and cut off what lies outside the middle. stretch: keep the whole "
            "image, but not the proportions"
        ),
    ] = "crop",
    colour: Annotated[
        Literal["auto", "grey", "rgb"],
        Field(description="grey: one channel. rgb: three channels. auto: grey if every image is grey"),
    ] = "auto",
    group: Annotated[
        Literal["none", "subfolder"],
        Field(
            description="subfolder: each class folder has one folder per group (such as a patient), and no group may "
            "lie on both sides of a split. Folders with the same name are one group"
        ),
    ] = "none",
    labels: Annotated[
        Literal["own", "imagenet", "none"],
        Field(
            description="own: each folder is a class of these data. imagenet: the 1,000 classes of ImageNet, in the "
            "order of the outputs of the networks of keras.applications. none: there are no class folders; a model "
            "that is not trained here is explained without labels"
        ),
    ] = "own",
    scratch: SpillBuffer | None = None,
    known: Sequence[str] = (),
) -> RawData:
    """Read the images, with intensities in [0, 1].

    With ImageNet's labels each class folder has the name or the WordNet identifier of a class. Without labels all
    images of the folder are read, at any depth, in the order of their paths.

    Raises:
        InputError: class folders are missing or empty, or a file is no image; the message names it.
    """
    # A model with known classes can explain images of a single class.
    least = 1 if known else 2
    top, grouped = Path(folder).expanduser(), group == "subfolder"
    pictures = {"train": find_all(top) if labels == "none" else find(top, grouped, least)}
    classes = () if labels == "none" else tuple(sorted({picture.class_name for picture in pictures["train"]}))
    if test_folder != "none":
        pictures["test"] = find(Path(test_folder).expanduser(), grouped, least=1)
        test_classes = {picture.class_name for picture in pictures["test"]}
        classes = tuple(sorted({*classes, *(test_classes & set(known))}))
        for name in (picture.class_name for picture in pictures["test"]):
            if name not in classes:
                hint = did_you_mean(name, classes).strip()
                raise InputError.unexpected(
                    test_folder, f"the class folder {name}", f"one of {comma_list(classes)}", hint
                )
    names, numbers = classes, list(range(len(classes)))
    if labels == "imagenet":
        index = imagenet_classes.read(files[imagenet_classes.FILE])
        names, numbers = tuple(index.values()), imagenet_classes.numbers(index, classes, folder)
    headers = [_mode_and_size(picture.path) for members in pictures.values() for picture in members]
    grey = colour == "grey" or (colour == "auto" and all(mode in _GREY for mode, _ in headers))
    height, width = size
    small = sum(wide < width or high < height for _, (wide, high) in headers)
    number_of, room = dict(zip(classes, numbers, strict=True)), scratch or SpillBuffer()
    parts = {
        part: _examples(members, number_of, (height, width), fit, grey, group, room)
        for part, members in pictures.items()
    }
    return RawData(
        train=parts["train"],
        test=parts.get("test"),
        classes=names,
        channels=("intensity",) if grey else ("red", "green", "blue"),
        unit="intensity",
        notes=(f"{small:,} of {len(headers):,} images are smaller than {height} × {width} pixels, and enlarged.",)
        if small
        else (),
    )


def _mode_and_size(path: Path) -> tuple[str, tuple[int, int]]:
    """Return Pillow's mode, and width and height of the upright image, from the header alone."""
    with opened(path) as image:
        # Only JPEG: Pillow decodes a whole .png to find its orientation, which it seldom has.
        turned = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION, 1) >= 5
        return image.mode, image.size[::-1] if turned else image.size


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image]:
    """Open an image, whose pixels are read on use.

    Raises:
        InputError: the file is no image, is cut off, has several frames, or has values of an unknown range.
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    # Some builds of Pillow lack some formats.
    formats = [name for name in Image.OPEN if name in _FORMATS]
    with damaged.refuse_unreadable(path, "a whole image", "an image"), warnings.catch_warnings():
        # Pillow warns of many pixels; here fewer are allowed, and more are an error.
        warnings.simplefilter("ignore")
        try:
            # Not by its name: Pillow would map a plain .tiff, and mix up the rows of one that lies on its side.
            with path.open("rb") as file, Image.open(file, formats=formats) as image:
                _require_usable(image, path)
                yield image
        except UnidentifiedImageError:
            raise InputError.unexpected(str(path), "a file that is no image", "only images in a class folder") from None


def _require_usable(image: Image, path: Path) -> None:
    """Refuse several frames, pixels of an unknown range and very large images."""
    # The .jpg of a phone may hold a preview too.
    if (frames := getattr(image, "n_frames", 1)) > 1 and image.format != "MPO":
        raise InputError.unexpected(str(path), f"{frames} frames", "one image in each file")
    pixel_depth.require_known_range(image, path)
    width, height = image.size
    if not 1 <= width * height <= _PIXELS:
        found = f"{width:,} × {height:,} pixels"
        raise InputError.unexpected(str(path), found, f"from 1 to {_PIXELS:,}", "Make the image smaller.")


def _examples(
    pictures: Sequence[Picture],
    classes: Mapping[str, int],
    size: tuple[int, int],
    fit: str,
    grey: bool,
    group: str,
    room: SpillBuffer,
) -> Examples:
    x = room.array(read(picture.path, size, fit=fit, grey=grey)[np.newaxis] for picture in pictures)
    y = np.array([classes.get(picture.class_name, UNLABELLED) for picture in pictures], np.int64)
    groups = np.array([picture.group for picture in pictures], np.str_) if group == "subfolder" else None
    return Examples(x, y, group=groups)


def read(path: Path, size: tuple[int, int], *, fit: str, grey: bool) -> NDArray[np.float32]:
    """Read an image, upright by its EXIF orientation and brought to `size`: (height, width, 1 or 3) in [0, 1].

    Transparent areas become white. An image that shrinks is averaged (bilinear, with antialiasing).

    Raises:
        InputError: the image is cut off.
    """
    from PIL import Image, ImageOps

    height, width = size
    with opened(path) as image:
        # A JPEG is decoded at the smallest fraction of its size that is at least twice the wanted size.
        image.draft("L" if grey else "RGB", (2 * max(size), 2 * max(size)))
        known = pixel_depth.range_of(image)
        plain = _plain(ImageOps.exif_transpose(image), grey, known)
        if fit == "crop":
            sized = ImageOps.fit(plain, (width, height), Image.Resampling.BILINEAR)
        else:
            sized = plain.resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(sized, np.float32) / np.float32(255)
    return values[:, :, np.newaxis] if grey else values


def _plain(image: Image, grey: bool, known: pixel_depth.Range) -> Image:
    """Convert to mode L, F (0 to 255) or RGB, without transparency."""
    from PIL import Image

    if pixel_depth.is_deep(image):
        # Pillow's conversion to 8 bits cuts values off instead of scaling them.
        deep = pixel_depth.scaled(image, known)
        return deep if grey else Image.merge("RGB", [deep.convert("L")] * 3)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, colours)
    return image.convert("L" if grey else "RGB")
