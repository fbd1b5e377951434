"""Images from a folder of one's own, with one folder per class."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.readers import damaged, imagenet
from pellucid.datasets.readers.image_folder import Picture, find
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.messages import comma_list, did_you_mean

if TYPE_CHECKING:
    from PIL.Image import Image

SPEC = SourceSpec(
    title="Images from a folder of the user's own",
    kind="image",
    licence="the user's own data",
    citation="none: the user's own data",
    homepage="",
    files=imagenet.FILES,
    folders=("folder", "test_folder"),
    scratch=True,
    own_labels=True,
)

fill = imagenet.fill

# Of Pillow's formats those that hold one picture, and that it decodes itself: it gives PostScript to a program.
_FORMATS = frozenset(
    ["AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP"]
)
_PIXELS = 100_000_000
_ORIENTATION = 0x0112  # in EXIF
# Pillow's modes of one value per pixel.
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N")


def axes(*, size: Sequence[int], **parameters: Any) -> tuple[int, ...]:
    """Sizes of an example, but for the channels."""
    return tuple(size)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    folder: Annotated[
        str, Field(min_length=1, description="a folder with one folder per class, in which the images lie at any depth")
    ],
    test_folder: Annotated[
        str, Field(min_length=1, description="another one with the test images; none to draw them from the first")
    ] = "none",
    size: Annotated[
        Sequence[Annotated[int, Field(ge=4, le=4_096)]],
        Field(min_length=2, max_length=2, description="height and width, in pixels, to which every image is brought"),
    ] = (64, 64),
    fit: Annotated[
        Literal["crop", "stretch"],
        Field(description="crop: keep the proportions, and the middle; stretch: keep all, not the proportions"),
    ] = "crop",
    colour: Annotated[
        Literal["auto", "grey", "rgb"],
        Field(description="grey: one channel; rgb: three; auto: grey where every image is"),
    ] = "auto",
    group: Annotated[
        Literal["none", "subfolder"],
        Field(
            description="subfolder: each class folder has a folder for each of what must not lie on both sides of a "
            "split (the patient); folders of one name are one group"
        ),
    ] = "none",
    labels: imagenet.Labels = "own",
    scratch: SpillBuffer | None = None,
    known: Sequence[str] = (),
) -> RawData:
    """Read the images, intensities in [0, 1]; the parameters are those of `SPEC`.

    With ImageNet's labels each class folder bears the name or the WordNet identifier of a class.

    Raises:
        InputError: no class folders, one that is empty, a file that is no image; the message names it.
    """
    # A model with classes of its own explains images of one of them as well.
    pictures = {"train": find(Path(folder).expanduser(), group == "subfolder", least=1 if known else 2)}
    classes = tuple(sorted({one.class_name for one in pictures["train"]}))
    if test_folder != "none":
        pictures["test"] = find(Path(test_folder).expanduser(), group == "subfolder", least=1)
        classes = tuple(sorted({*classes, *({one.class_name for one in pictures["test"]} & set(known))}))
        for one in pictures["test"]:
            if one.class_name not in classes:
                hint = did_you_mean(one.class_name, classes).strip()
                raise InputError.unexpected(
                    test_folder, f"the class folder {one.class_name}", f"one of {comma_list(classes)}", hint
                )
    names, numbers = classes, list(range(len(classes)))
    if labels == "imagenet":
        index = imagenet.read(files[imagenet.FILE])
        names, numbers = tuple(index.values()), imagenet.numbers(index, classes, folder)
    seen = [_facts(one.path) for part in pictures.values() for one in part]
    grey = colour == "grey" or (colour == "auto" and all(mode in _GREY for mode, _ in seen))
    height, width = size
    small = sum(wide < width or high < height for _, (wide, high) in seen)
    number_of, room = dict(zip(classes, numbers, strict=True)), scratch or SpillBuffer()
    parts = {
        name: _examples(part, number_of, (height, width), fit, grey, group, room) for name, part in pictures.items()
    }
    return RawData(
        train=parts["train"],
        test=parts.get("test"),
        classes=names,
        channels=("intensity",) if grey else ("red", "green", "blue"),
        unit="intensity",
        notes=(f"{small:,} of {len(seen):,} images are smaller than {height} × {width} pixels, and enlarged.",)
        if small
        else (),
    )


def _facts(path: Path) -> tuple[str, tuple[int, int]]:
    """Mode, and width and height as it is looked at, from the header alone."""
    with opened(path) as image:
        # A .png is decoded as a whole before it tells its orientation, and seldom has one.
        turned = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION, 1) >= 5
        return image.mode, image.size[::-1] if turned else image.size


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image]:
    """An image whose pixels are read where they are asked for.

    Raises:
        InputError: a file that is no image, one that is cut off, one of several frames, or one whose values have no
            known range.
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    # Some builds of Pillow lack some.
    formats = [name for name in Image.OPEN if name in _FORMATS]
    with damaged.told(path, "a whole image", "an image"), warnings.catch_warnings():
        # Pillow's own bound on pixels: here it is lower, and no warning.
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=formats) as image:
                _require_usable(image, path)
                yield image
        except UnidentifiedImageError:
            raise InputError.unexpected(
                str(path), "a file that is no image", "images alone in a class folder"
            ) from None


def _require_usable(image: Image, path: Path) -> None:
    # A telephone's .jpg may have a preview behind the image.
    if (frames := getattr(image, "n_frames", 1)) > 1 and image.format != "MPO":
        raise InputError.unexpected(str(path), f"{frames} frames", "one image in each file")
    if image.mode in ("I", "F"):
        raise InputError.unexpected(
            str(path), "pixels of 32 bits, of which the range is not known", "8 or 16 bits per value"
        )
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
    x = room.array(read(one.path, size, fit=fit, grey=grey)[np.newaxis] for one in pictures)
    y = np.array([classes[one.class_name] for one in pictures], np.int64)
    groups = np.array([one.group for one in pictures], np.str_) if group == "subfolder" else None
    return Examples(x, y, group=groups)


def read(path: Path, size: tuple[int, int], *, fit: str, grey: bool) -> NDArray[np.float32]:
    """One image, turned as its EXIF orientation says and brought to `size`: (height, width, 1 or 3) in [0, 1].

    Transparent parts become white. Pixels are averaged over (bilinear, with antialiasing) where an image shrinks.

    Raises:
        InputError: an image that is cut off.
    """
    from PIL import Image, ImageOps

    height, width = size
    with opened(path) as image:
        # A JPEG is decoded at the fraction of its size that is still twice what is wanted.
        image.draft("L" if grey else "RGB", (2 * max(size), 2 * max(size)))
        plain = _plain(ImageOps.exif_transpose(image), grey)
        if fit == "crop":
            sized = ImageOps.fit(plain, (width, height), Image.Resampling.BILINEAR)
        else:
            sized = plain.resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(sized, np.float32) / np.float32(255)
    return values[:, :, np.newaxis] if grey else values


def _plain(image: Image, grey: bool) -> Image:
    """In mode L, F (0 to 255) or RGB, without transparency."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        # Pillow's own way to 8 bits cuts off instead of scaling.
        sixteen = Image.fromarray(np.asarray(image).astype(np.float32) * np.float32(255 / 65535))
        return sixteen if grey else Image.merge("RGB", [sixteen.convert("L")] * 3)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, colours)
    return image.convert("L" if grey else "RGB")
