"""Find the images of a folder that has one folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import InputError

# Files that file managers leave in folders, besides files whose name begins with a point.
_LEFT_BEHIND = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Picture:
    """An image file, its class (the name of the class folder), and its group."""

    path: Path
    class_name: str
    group: str


def find(folder: Path, grouped: bool, least: int = 2) -> list[Picture]:
    """Return the images of every class, sorted by class and path.

    Args:
        folder: has the class folders.
        grouped: whether each class folder has a folder for each group.
        least: number of class folders that there must be.

    Raises:
        InputError: class folders are missing or empty, or an image is outside of a class or group folder.
    """
    from PIL import Image

    try:
        entries = [path for path in sorted(folder.iterdir()) if not _hidden(path)]
    except (OSError, ValueError) as error:
        found = f"a folder that cannot be read ({error})"
        raise InputError.unexpected(str(folder), found, "a folder with one folder per class") from None
    folders = [path for path in entries if path.is_dir()]
    if len(folders) < least:
        found = f"{len(folders)} folder(s) and {len(entries) - len(folders)} file(s)"
        raise InputError.unexpected(
            str(folder),
            found,
            f"at least {least} folder(s), one per class, with the images in them",
            "labels: none takes all images of a folder, for a model that is explained as it is (epochs: 0).",
        )
    suffixes = set(Image.registered_extensions())
    if loose := [path for path in entries if path.is_file() and path.suffix.lower() in suffixes]:
        raise InputError.unexpected(
            str(loose[0]), "an image outside of the class folders", "each image in the folder of its class"
        )
    pictures = []
    for class_folder in folders:
        paths = sorted(_files_below(class_folder))
        if not paths:
            raise InputError.unexpected(str(class_folder), "a class folder without images", "at least one")
        for path in paths:
            parts = path.relative_to(class_folder).parts
            if grouped and len(parts) < 2:
                raise InputError.unexpected(
                    str(path), "an image outside of a group's folder", "a folder for each group, or group: none"
                )
            pictures.append(Picture(path, class_folder.name, parts[0] if grouped else ""))
    return pictures


def find_all(folder: Path) -> list[Picture]:
    """Return the images of a folder without classes, at any depth, sorted by path; their class is "".

    Raises:
        InputError: there is none, or as for `find`.
    """
    try:
        paths = sorted(_files_below(folder))
    except ValueError as error:
        found = f"a folder that cannot be read ({error})"
        raise InputError.unexpected(str(folder), found, "a folder with images") from None
    if not paths:
        raise InputError.unexpected(str(folder), "a folder without files", "at least one image")
    return [Picture(path, "", "") for path in paths]


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files of a class folder, at any depth.

    Raises:
        InputError: a link leads nowhere, or to a folder, whose images would be left out; an entry is no file; a folder
            cannot be read.
    """
    for above, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not _hidden(Path(name))]
        links = [name for name in folders if Path(above, name).is_symlink()]
        for path in [Path(above, name) for name in (*names, *links) if not _hidden(Path(name))]:
            if not path.is_file():
                found = "a link that leads to no file" if path.is_symlink() else "neither a file nor a folder"
                raise InputError.unexpected(str(path), found, "images, and folders of images")
            yield path


def _refuse(error: OSError) -> None:
    raise InputError.unexpected(
        str(error.filename), f"a folder that cannot be read ({error.strerror})", "a folder with images"
    )


def _hidden(path: Path) -> bool:
    """Return whether a file or folder is ignored."""
    return path.name.startswith(".") or path.name.lower() in _LEFT_BEHIND
