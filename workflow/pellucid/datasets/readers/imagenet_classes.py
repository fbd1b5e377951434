"""ImageNet's 1,000 classes as the labels of photographs, for networks with published weights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pellucid.datasets.readers import damaged
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.parameters import File

# As keras.applications.imagenet_utils names the file, with the MD5 that it states.
ADDRESS = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
MD5 = "c2c37ea517e94d9795004a39431a14cb"
COUNT = 1000
_LARGEST = 2**20  # bytes; the published one has 35,000

FILE = "class_index"
# What a source of photographs declares among its parameters, with `FILE` among its files.
Labels = Annotated[
    Literal["own", "imagenet"],
    Field(
        description="own: only the classes of these data. imagenet: the 1,000 classes of ImageNet, in the order of "
        "the outputs of the networks of keras.applications"
    ),
]
FILES = {
    FILE: File(
        "for labels: imagenet. The file that numbers the classes; none: the file that Keras publishes, which is "
        "downloaded and compared with its MD5",
        default="none",
    )
}

_IDENTIFIER = re.compile(r"n[0-9]{8}")
_EXPECTED = f'ImageNet\'s class index: {{"0": ["n01440764", "tench"], …}} up to {COUNT - 1}'


def fill(*, labels: str, class_index: str, **others: Any) -> dict[str, str]:
    """Return the address of the class index and its MD5 for `labels: imagenet`, unless the user names a file."""
    if labels != "imagenet" or class_index != "none":
        return {}
    return {FILE: ADDRESS, f"{FILE}_md5": MD5}


def read(path: Path | str) -> dict[str, str]:
    """Return the names of ImageNet's classes by WordNet identifier ("n01440764"), in the order of their numbers.

    Where two classes have one name (a crane is a bird, or a machine), the identifier is added to it.

    Raises:
        InputError: the file is no class index.
    """
    with damaged.refuse_unreadable(path, _EXPECTED):
        if (size := Path(path).stat().st_size) > _LARGEST:
            raise ValueError(f"{size:,} bytes")
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise InputError.unexpected(str(path), f"a {type(content).__name__}", _EXPECTED)
    missing = [number for number in range(COUNT) if str(number) not in content]
    if missing or len(content) != COUNT:
        found = f"{len(content):,} entries" + (f", none of them {missing[0]}" if missing else "")
        raise InputError.unexpected(str(path), found, _EXPECTED)
    pairs = [content[str(number)] for number in range(COUNT)]
    for number, pair in enumerate(pairs):
        texts = isinstance(pair, list) and len(pair) == 2 and all(isinstance(word, str) for word in pair)
        if not (texts and _IDENTIFIER.fullmatch(pair[0]) and pair[1].strip()):
            raise InputError.unexpected(
                f"{path}, {number}", abbreviate(pair), 'an identifier and a name: ["n01440764", "tench"]'
            )
    plain = [name.replace("_", " ") for _, name in pairs]
    counts = Counter(plain)
    names = {
        identifier: f"{name} ({identifier})" if counts[name] > 1 else name
        for (identifier, _), name in zip(pairs, plain, strict=True)
    }
    if len(names) != COUNT:
        raise InputError.unexpected(str(path), f"{len(names)} different identifiers", f"{COUNT}")
    return names


def numbers(names: Mapping[str, str], written: Sequence[str], where: str) -> list[int]:
    """Return the number of the class of each word: an identifier, or a name in any case, with _ or blanks.

    Raises:
        InputError: a word is no class of ImageNet.
    """
    known = {identifier: number for number, identifier in enumerate(names)}
    known |= {_plain(name): number for number, name in enumerate(names.values())}
    for word in written:
        if _plain(word) not in known:
            same_name = [name for name in known if name.startswith(f"{_plain(word)} (")]
            hint = did_you_mean(_plain(word), known).strip()
            if same_name:
                hint = f"Several classes have this name: {comma_list(same_name)}."
            raise InputError.unexpected(
                where, abbreviate(word), "a class of ImageNet, by its identifier (n03877845) or its name", hint
            )
    return [known[_plain(word)] for word in written]


def _plain(name: str) -> str:
    return name.replace("_", " ").strip().lower()
