"""The files and folders that an experiment names: whether they can be there, are there, and what lies in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pellucid import plugins
from pellucid.config import no_shared_files
from pellucid.config.variants import variants
from pellucid.downloads import is_local, local_path, require_place
from pellucid.errors import InputError
from pellucid.messages import abbreviate, did_you_mean
from pellucid.user_text import readable

# What may read files, the key that names it, and the package where it is found.
FILES = {"dataset": ("source", "datasets"), "model": ("architecture", "models")}
# Parameters that are paths or addresses, beside those that a plugin declares as `files` and `folders`.
PLACES = ("folder", "records", "mirror")
_MOST_NAMES = 1000  # of a folder, among which the nearest name is looked for


def check_places(entry: Mapping[str, Any], plugin: Any, path: str) -> list[str]:
    """Return which paths and addresses are none: before anything looks for a file there."""
    faults: list[str] = []
    spec, own = plugin.SPEC, plugins.own_parameters(entry, plugin)
    for name in sorted({*spec.files, *getattr(spec, "folders", ()), *PLACES}.intersection(own)):
        for place in entry[name] if isinstance(entry[name], list) else [entry[name]]:
            try:
                require_place(place, f"{path}.{name}")
            except InputError as error:
                faults.append(str(error))
    return faults


def check_files(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return which local files are not there: before any job starts. An address is tried by its download alone."""
    if no_shared_files.is_elsewhere():  # they were looked for where Snakemake was started
        return []
    folders = spec_of(experiment, "dataset").folders
    faults = no_shared_files.folder_faults(experiment["dataset"], folders, f"{path}.dataset")
    for name in folders:
        folder = experiment["dataset"][name]
        try:
            if folder != "none" and not local_path(folder).is_dir():
                found = f"found no folder at {folder}; expected one there, or another path."
                faults.append(f"{path}.dataset.{name}: {found}{_about_files(experiment, 'dataset')}")
        except OSError as error:
            faults.append(f"{path}.dataset.{name}: {sentence(error)}")
    for key in FILES:
        try:
            wanted = list(files(experiment, key))
        except (InputError, OSError) as error:
            faults.append(f"{path}.{key}: {sentence(error)}")
            continue
        for name, address in wanted:
            if fault := _file_fault(address, f"{path}.{key}.{name}", _about_files(experiment, key)):
                faults.append(fault)
    return faults


def check_view_files(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return which local files that parameters of views name are not there."""
    if no_shared_files.is_elsewhere():
        return []
    faults = (_file_fault(address, f"{path}.views.{view}", "") for view, address in files_of_views(experiment))
    return [fault for fault in faults if fault]


def _file_fault(address: str, where: str, about: str) -> str:
    """Return the fault of a file that is not there or whose path no rule can have; empty where there is none.

    Args:
        address: a path or an address, which its download tries.
        where: the key that names it.
        about: what a message adds about the file.
    """
    try:
        require_place(address, where)
        if not is_local(address):
            return ""
        if sign := next((letter for letter in address if letter in "{}<"), ""):
            use = "the beginning of a tag" if sign == "<" else "a wildcard"
            return (
                f'{where}: found the path "{readable(address)}" with the sign {sign}, which Snakemake reads as {use}; '
                "expected a path without {, } and <. Rename the file, or link to it by another name."
            )
        if local_path(address, where).is_file():
            return ""
    except InputError as error:
        return str(error)
    except OSError as error:
        return f"{where}: {sentence(error)}"
    expected = "a file there, or another path or address in the config"
    return f"{where}: found no file at {address}; expected {expected}.{about}{_nearby(address, where)}"


def _nearby(address: str, where: str) -> str:
    """Return what helps to find a file that is not there: the nearest name in its folder, or where paths begin."""
    path = local_path(address, where)
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), _MOST_NAMES)]
    except OSError:
        names = []
    if hint := did_you_mean(path.name, names):
        return hint
    if path.is_absolute():
        return ""
    return f" A relative path begins in the folder of the run: {readable(str(Path.cwd()))}."


def _about_files(experiment: Mapping[str, Any], key: str) -> str:
    spec = spec_of(experiment, key)
    if key == "dataset":
        return f" About this data set: {spec.homepage}." if spec.homepage else ""
    return f" About this model: {spec.source}."


def files(experiment: Mapping[str, Any], key: str) -> Iterator[tuple[str, str]]:
    """The files that an experiment's data source (`key` "dataset") or architecture ("model") reads.

    Yields:
        Parameter, and path or address; a file that the config leaves out ("none") is none.
    """
    selector, package = FILES[key]
    module = plugins.load(package)[experiment[key][selector]]
    addresses = plugins.hook(module, "addresses")
    yield from addresses(**plugins.own_parameters(experiment[key], module)).items()


def files_of_views(experiment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each view and each path or address of a file that its parameters name (`View.files`)."""
    for view, parameters in experiment["views"].items():
        named = (address for run in variants(view, parameters).values() for address in files_of_view(view, run))
        yield from ((view, address) for address in dict.fromkeys(named))


def files_of_view(view: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the paths and addresses that the parameters of one variant of a view name, each once."""
    named: list[str] = plugins.hook(plugins.load("views")[view], "files")(**parameters)
    return list(dict.fromkeys(named))


def listing_of(experiment: Mapping[str, Any]) -> str:
    """A digest of what lies in the local folders that the data source reads: names, sizes and times of change."""
    hasher = hashlib.sha256()
    for name in spec_of(experiment, "dataset").folders:
        if experiment["dataset"][name] != "none":
            folder = local_path(experiment["dataset"][name])
            # The folders in it may be links, which rglob does not follow.
            beside = list(folder.iterdir()) if folder.is_dir() else []
            below = (path for one in beside if one.is_dir() for path in one.rglob("*"))
            for path in sorted([*beside, *below]):
                if path.is_file():
                    hasher.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    return hasher.hexdigest()


def spec_of(experiment: Mapping[str, Any], key: str) -> Any:
    """What the experiment's data source (`key` "dataset") or architecture ("model") declares."""
    selector, package = FILES[key]
    return plugins.spec(package, experiment[key][selector])


def sentence(error: InputError | OSError) -> str:
    """What a message says of the error; the operating system's errors are made one."""
    if isinstance(error, InputError):
        return str(error)
    file = abbreviate(str(error.filename))
    return f"found what cannot be read ({error.strerror}: {file}); expected files that you may read."
