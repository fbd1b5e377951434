"""Any set of the UCR and UEA archives by its name, with the archives' own training and test parts."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.readers import completion, ts_file, zips
from pellucid.datasets.readers.bounds import require_room
from pellucid.datasets.readers.labels import NO_NAMES, ClassNames, KeptClasses, encode, keep
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.messages import comma_list, did_you_mean
from pellucid.parameters import File

# From where aeon downloads the sets.
_MIRROR = "https://timeseriesclassification.com/aeon-toolkit"

SPEC = SourceSpec(
    title="A set of the UCR and UEA time series classification archives",
    kind="series",
    licence="free for research; each set's page names its own source",
    citation="Dau HA, Bagnall A, Kamgar K, Yeh CCM, Zhu Y, Gharghabi S, Ratanamahatana CA, Keogh E. The UCR time "
    "series archive. IEEE/CAA J Autom Sinica 6(6):1293-1305 (2019). Bagnall A, Dau HA, Lines J, Flynn M, Large J, "
    "Bostrom A, Southam P, Keogh E. The UEA multivariate time series classification archive, 2018. arXiv:1811.00075 "
    "(2018)",
    homepage="https://www.timeseriesclassification.com",
    # The zip, where the set is downloaded: gives `archive_sha256` and `archive_md5`.
    files={"archive": File("<name>.zip, as the mirror has it", of_user=False)},
    scratch=True,
    own_labels=True,
)

_TRAIN = {"train": "TRAIN"}
_PARTS = {**_TRAIN, "test": "TEST"}


def addresses(*, name: str, folder: str, mirror: str, parts: str, **others: Any) -> dict[str, str]:
    """Return the files of a local folder, or the set's zip.

    Raises:
        InputError: the folder has the training part alone, and both are wanted.
    """
    if folder == "none":
        return {"archive": f"{mirror.rstrip('/')}/{name}.zip"}
    parent = Path(folder).expanduser()
    place = parent / name if (parent / name).is_dir() else parent
    wanted = _PARTS if parts == "both" else _TRAIN
    paths = {part: place / f"{name}_{suffix}.ts" for part, suffix in wanted.items()}
    if parts == "both" and paths["train"].is_file() and not paths["test"].exists():
        raise InputError.unexpected(
            "ucr_uea.folder",
            f"{paths['train'].name} without {paths['test'].name}",
            "both",
            "parts: train draws the test examples from the training part.",
        )
    return {part: str(path) for part, path in paths.items()}


def check(*, name: str, folder: str, **others: Any) -> None:
    """Refuse a name that no archive has, before any download (InputError); a local folder may hold any set."""
    if folder == "none" and name not in (names := archive_names()):
        hint = did_you_mean(name, names).strip()
        raise InputError.unexpected("ucr_uea.name", f'"{name}"', f"one of the {len(names)} sets of the archives", hint)


@cache
def archive_names() -> tuple[str, ...]:
    """Return the names of all sets in aeon's list.

    The list's file is executed alone: importing it with aeon would take seconds at the start of every run.
    """
    package = importlib.util.find_spec("aeon")
    assert package is not None and package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "datasets" / "tsc_datasets.py"
    spec = importlib.util.spec_from_file_location("_tsc_datasets", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(sorted({*module.univariate, *module.multivariate, *module.tsc_zenodo}))


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    name: Annotated[
        str,
        Field(
            pattern="^[A-Za-z0-9_-]+$", description="name of the set, as in the archive: GunPoint, ECG5000, Epilepsy, …"
        ),
    ],
    folder: Annotated[
        str,
        Field(
            min_length=1,
            description="a local folder with <name>_TRAIN.ts and <name>_TEST.ts, or with a folder <name> that holds "
            "them. none: the set is downloaded",
        ),
    ] = "none",
    mirror: Annotated[str, Field(min_length=1, description="the address (or folder) where <name>.zip lies")] = _MIRROR,
    parts: Annotated[
        Literal["both", "train"],
        Field(description="train: only the training part; the test examples are drawn from it, as split says"),
    ] = "both",
    class_names: ClassNames = NO_NAMES,
    classes: KeptClasses = (),
    sampling_rate: completion.SamplingRate = None,
    unit: completion.UnitName = "a.u.",
    missing: completion.Missing = "refuse",
    lengths: completion.Lengths = "refuse",
    scratch: SpillBuffer | None = None,
    known: Sequence[str] = (),
) -> RawData:
    """Read the training and the test part, or the training part alone.

    Raises:
        InputError: the zip lacks one of the two files, a file is not in the archive's format, or `completion.complete`
            or `labels.encode` refuses its content.
    """
    series, labels, where = {}, {}, f"{name}, class"
    with _files(files, name, scratch or SpillBuffer(), _PARTS if parts == "both" else _TRAIN) as paths:
        for part, path in paths.items():
            series[part], labels[part] = ts_file.read(path)
    rows, coded = keep(encode(labels, where, class_names, known), classes, where)
    if classes:
        series = {part: values.only(rows[part]) for part, values in series.items()}
    notes = completion.complete(series, missing=missing, lengths=lengths)
    examples = {part: Examples(series[part].x, y, filling=series[part].filling) for part, y in coded.numbers.items()}
    return RawData(
        train=examples["train"],
        test=examples.get("test"),
        classes=coded.classes,
        channels=completion.channel_names(series["train"].x.shape[2]),
        unit=unit,
        sampling_rate=sampling_rate,
        notes=(*coded.notes, *notes),
    )


@contextlib.contextmanager
def _files(
    files: Mapping[str, Path], name: str, room: SpillBuffer, parts: Mapping[str, str]
) -> Iterator[dict[str, Path]]:
    """Yield the .ts files of the parts; files of a zip lie unpacked until the block ends."""
    if "archive" not in files:
        yield dict(files)
        return
    archive = files["archive"]
    with tempfile.TemporaryDirectory() as folder:
        with zips.opened(archive, "a zip with .ts files") as zipped:
            paths = {}
            for part, suffix in parts.items():
                wanted = f"{name}_{suffix}.ts"
                members = zips.members(zipped)
                named = [member for member in members if PurePosixPath(member.filename).name == wanted]
                if not named:
                    names = dict.fromkeys(PurePosixPath(member.filename).name for member in members)
                    raise InputError.unexpected(
                        str(archive), comma_list(list(names)[:12]) or "an empty zip", f"{wanted} in it"
                    )
                member = zips.only_one(named, wanted, archive)
                hint = "Unpack it, and name the folder of its files: folder."
                require_room(member.file_size, member.compress_size, None, f"{archive}, {wanted}", hint)
                paths[part] = Path(folder) / wanted
                with zipped.open(member) as packed, paths[part].open("wb") as file:
                    shutil.copyfileobj(packed, file)
        yield paths
