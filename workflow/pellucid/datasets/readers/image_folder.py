"""The images of a folder, with one folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import InputError

# What file managers leave in folders of images, beside files whose name begins with a point.
_LEFT_BEHIND = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Picture:
    """A file, the class that its folder names, and the group."""

    path: Path
    class_name: str
    group: str


def find(folder: Path, grouped: bool, least: int = 2) -> list[Picture]:
    """The images of every class, sorted by class and path.

    Raises:
        InputError: no class folders, an empty one, an image outside of them, or outside of a group's folder.
    """
    from PIL import Image

    try:
        beside = [path for path in sorted(folder.iterdir()) if not _hidden(path)]
    except (OSError, ValueError) as error:
        found = f"a folder that cannot be read ({error})"
        raise InputError.unexpected(str(folder), found, "a folder with one folder per class") from None
    folders = [path for path in beside if path.is_dir()]
    if len(folders) < least:
        found = f"{len(folders)} folder(s) and {len(beside) - len(folders)} file(s)"
        raise InputError.unexpected(
            str(folder), found, f"at least {least} folder(s), one per class, with the images in them"
        )
    suffixes = set(Image.registered_extensions())
    if loose := [path for path in beside if path.is_file() and path.suffix.lower() in suffixes]:
        raise InputError.unexpected(
            str(loose[0]), "an image outside of the class folders", "each in the folder of its class"
        )
    pictures = []
    for one in folders:
        inside = sorted(_files_below(one))
        if not inside:
            raise InputError.unexpected(str(one), "a class folder without images", "at least one")
        for path in inside:
            parts = path.relative_to(one).parts
            if grouped and len(parts) < 2:
                raise InputError.unexpected(
                    str(path), "an image outside of a group's folder", "group: none, or such folders"
                )
            pictures.append(Picture(path, one.name, parts[0] if grouped else ""))
    return pictures


def _files_below(folder: Path) -> Iterator[Path]:
    """All files of a class folder, at any depth.

    Raises:
        InputError: a link that leads nowhere, or to a folder, whose images would be left out; what is no file; a folder
            that cannot be read.
    """
    for above, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not _hidden(Path(name))]
        links = [name for name in folders if Path(above, name).is_symlink()]
        for path in [Path(above, name) for name in (*names, *links) if not _hidden(Path(name))]:
            if not path.is_file():
                found = "a link that leads to no file" if path.is_symlink() else "what is no file"
                raise InputError.unexpected(str(path), found, "images, and folders of them")
            yield path


def _refuse(error: OSError) -> None:
    raise InputError.unexpected(
        str(error.filename), f"a folder that cannot be read ({error.strerror})", "one with images"
    )


def _hidden(path: Path) -> bool:
    """Whether a file or folder is left out."""
    return path.name.startswith(".") or path.name.lower() in _LEFT_BEHIND
