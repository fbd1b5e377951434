"""The two photographs that ship with scikit-learn, cut into crops: colour images at the size of large networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.readers import imagenet_classes
from pellucid.errors import InputError

# Size of both photographs, and width of their left part, for test crops (less, if a training crop needs more). The left
# part holds the palace and most of the flower: test crops are the ones that are explained.
_HEIGHT, _WIDTH, _TEST = 427, 640, 384

# The ImageNet classes that a person would choose. The palace is one of them; the flower is a dahlia, which ImageNet
# lacks: of its few flowers the daisy, of the same family, is nearest.
IMAGENET = {"china": "n03877845", "flower": "n11939491"}

SPEC = SourceSpec(
    title="Crops of two photographs, a Chinese palace and a flower",
    kind="image",
    licence="CC BY 2.0 (china.jpg: danielbuechele, flower.jpg: vultilion, both on Flickr)",
    citation="Pedregosa F et al. Scikit-learn: Machine Learning in Python. JMLR 12:2825-2830 (2011)",
    homepage="https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_sample_images.html",
    files=imagenet_classes.FILES,
)

fill = imagenet_classes.fill


def axes(*, size: int, **parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (size, size)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    size: Annotated[int, Field(ge=8, le=_WIDTH // 2, description="pixels along each side of a crop")] = 224,
    train_per_class: Annotated[
        int, Field(ge=2, le=1_000, description="number of training crops of each photograph")
    ] = 20,
    test_per_class: Annotated[int, Field(ge=2, le=1_000, description="number of test crops of each photograph")] = 8,
    labels: imagenet_classes.Labels = "own",
) -> RawData:
    """Cut crops at random places, with intensities scaled to [0, 1].

    Test crops come from the left part of each photograph, training crops from the right: no pixel is in both. Training
    crops overlap each other, so the validation score says less than the test score.

    With ImageNet's labels the palace is a "palace", and the flower a "daisy" (see `IMAGENET`).
    """
    check(size=size, train_per_class=train_per_class, test_per_class=test_per_class)
    from sklearn.datasets import load_sample_images

    bunch = load_sample_images()
    names = tuple(Path(name).stem for name in bunch.filenames)
    classes, numbers = names, list(range(len(names)))
    if labels == "imagenet":
        index = imagenet_classes.read(files[imagenet_classes.FILE])
        classes = tuple(index.values())
        numbers = imagenet_classes.numbers(index, [IMAGENET[name] for name in names], "sample_photographs")
    border = _border(size)

    def examples(columns: slice, count: int) -> Examples:
        x = np.concatenate([crops(photograph[:, columns], size, count, rng) for photograph in bunch.images])
        return Examples(x.astype(np.float32) / np.float32(255), np.repeat(np.array(numbers, np.int64), count))

    return RawData(
        train=examples(slice(border, _WIDTH), train_per_class),
        test=examples(slice(0, border), test_per_class),
        classes=classes,
        channels=("red", "green", "blue"),
        unit="intensity",
    )


def crops(photograph: NDArray[np.uint8], size: int, count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cut `count` different squares out of an image (height, width, 3): (count, size, size, 3)."""
    rows, columns = photograph.shape[0] - size + 1, photograph.shape[1] - size + 1
    places = np.unravel_index(rng.choice(rows * columns, count, replace=False), (rows, columns))
    corners = zip(*places, strict=True)
    return np.stack([photograph[row : row + size, column : column + size] for row, column in corners])


def check(*, size: int, train_per_class: int, test_per_class: int, **others: Any) -> None:
    """Refuse more crops than there are places in the photographs (InputError)."""
    border = _border(size)
    for key, width, count in (
        ("train_per_class", _WIDTH - border, train_per_class),
        ("test_per_class", border, test_per_class),
    ):
        places = (_HEIGHT - size + 1) * (width - size + 1)
        if count > places:
            raise InputError.unexpected(
                f"sample_photographs.{key}", f"{count} crops of {size} pixels", f"at most {places}"
            )


def _border(size: int) -> int:
    """Return the column at which the training part begins."""
    return min(_TEST, _WIDTH - size)
