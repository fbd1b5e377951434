"""Any set of the UCR and UEA archives by its name, with the archives' own training and test parts."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.readers import completion, ts_file, zips
from pellucid.datasets.readers.bounds import require_room
from pellucid.datasets.readers.labels import NO_NAMES, ClassNames, encode
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.messages import comma_list, did_you_mean
from pellucid.parameters import File

# Where aeon downloads them.
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

_PARTS = {"train": "TRAIN", "test": "TEST"}


def addresses(*, name: str, folder: str, mirror: str, **others: Any) -> dict[str, str]:
    """The two files of a local folder, or the set's zip."""
    if folder == "none":
        return {"archive": f"{mirror.rstrip('/')}/{name}.zip"}
    here = Path(folder).expanduser()
    own = here / name
    here = own if own.is_dir() else here
    return {part: str(here / f"{name}_{suffix}.ts") for part, suffix in _PARTS.items()}


def check(*, name: str, folder: str, **others: Any) -> None:
    """Refuse a name that no archive has, before anything is downloaded; a local folder may hold other sets too.

    Raises:
        InputError: as said.
    """
    if folder == "none" and name not in (known := archive_names()):
        hint = did_you_mean(name, known).strip()
        raise InputError.unexpected("ucr_uea.name", f'"{name}"', f"one of the {len(known)} sets of the archives", hint)


@cache
def archive_names() -> tuple[str, ...]:
    """The names of all sets, by aeon's list.

    Its file is run alone: to import it as a part of aeon takes seconds, at the start of every run.
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
        str, Field(pattern="^[A-Za-z0-9_-]+$", description="as in the archive: GunPoint, ECG5000, Epilepsy, …")
    ],
    folder: Annotated[
        str,
        Field(
            min_length=1,
            description="a local folder with <name>_TRAIN.ts and <name>_TEST.ts, or with a folder <name> of them; "
            "none to download the set",
        ),
    ] = "none",
    mirror: Annotated[
        str, Field(min_length=1, description="the address (or folder) under which <name>.zip lies")
    ] = _MIRROR,
    class_names: ClassNames = NO_NAMES,
    sampling_rate: completion.SamplingRate = None,
    unit: completion.UnitName = "a.u.",
    missing: completion.Missing = "refuse",
    lengths: completion.Lengths = "refuse",
    scratch: SpillBuffer | None = None,
    known: Sequence[str] = (),
) -> RawData:
    """Read the training and the test part; the parameters are those of `SPEC`.

    Raises:
        InputError: a zip without the two files, a file that is none of the archive's, and what `completion.complete`
            and `labels.encode` refuse.
    """
    series, labels = {}, {}
    with _files(files, name, scratch or SpillBuffer()) as paths:
        for part, path in paths.items():
            series[part], labels[part] = ts_file.read(path)
    y, classes, told = encode(labels, f"{name}, class", class_names, known)
    notes = completion.complete(series, missing=missing, lengths=lengths)
    return RawData(
        train=Examples(series["train"].x, y["train"], filling=series["train"].filling),
        test=Examples(series["test"].x, y["test"], filling=series["test"].filling),
        classes=classes,
        channels=completion.channel_names(series["train"].x.shape[2]),
        unit=unit,
        sampling_rate=sampling_rate,
        notes=(*told, *notes),
    )


@contextlib.contextmanager
def _files(files: Mapping[str, Path], name: str, room: SpillBuffer) -> Iterator[dict[str, Path]]:
    """The .ts files of both parts; those of a zip for as long as they are read."""
    if "archive" not in files:
        yield dict(files)
        return
    archive = files["archive"]
    with tempfile.TemporaryDirectory() as folder:
        with zips.opened(archive, "a zip with .ts files") as zipped:
            paths = {}
            for part, suffix in _PARTS.items():
                wanted = f"{name}_{suffix}.ts"
                members = zips.members(zipped)
                named = [member for member in members if PurePosixPath(member.filename).name == wanted]
                if not named:
                    names = dict.fromkeys(PurePosixPath(member.filename).name for member in members)
                    raise InputError.unexpected(
                        str(archive), comma_list(list(names)[:12]) or "an empty zip", f"{wanted} in it"
                    )
                member = zips.only_one(named, wanted, archive)
                hint = "Unpack it, and name its folder: folder."
                require_room(member.file_size, member.compress_size, None, f"{archive}, {wanted}", hint)
                paths[part] = Path(folder) / wanted
                with zipped.open(member) as packed, paths[part].open("wb") as file:
                    shutil.copyfileobj(packed, file)
        yield paths
