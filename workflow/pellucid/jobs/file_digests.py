"""Digests of the files between stages: a job that reads a damaged or edited file ends with a message.

A job that succeeds writes the size and the CRC-32 of each of its outputs to `results/<experiment>/.digests/`, and a job
that starts compares its inputs with them. They protect against damage and editing by hand, not against malice: whoever
can change a file here can change its digest. Seconds for a file of 1 GiB in the page cache, on one core of an AMD EPYC:
CRC-32 0.5, SHA-256 0.8 (and several times that on a CPU without instructions for it), SHA-1 0.8, BLAKE2b 1.5, MD5 1.8.

`python -m pellucid.jobs.file_digests` compares every file of `results/`, and `--accept FILE` accepts one as it is.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.errors import InputError

logger = logging.getLogger(__name__)

FOLDER = ".digests"
# Bytes. A smaller file is read by every job that has it among its inputs. A larger file is read by the first such job,
# and by jobs that read all of it anyway; other jobs only look whether it was changed since (`_mark`).
LARGE = 2**26
_BLOCK = 2**20
# Damaged inputs of one job that are logged.
_MOST_LOGGED = 10


def record(paths: Iterable[Path | str]) -> None:
    """Write the digest of each file below `results/`. Files that do not exist are left out: Snakemake reports them."""
    for path in map(Path, paths):
        if (place := _digest_path(path)) and path.is_file():
            with path.open("rb", buffering=0) as file:
                files.write_json(place, _digest_of(file))


def forget(paths: Iterable[Path | str]) -> None:
    """Remove the digests of files that are about to be written again."""
    for path in map(Path, paths):
        if place := _digest_path(path):
            place.unlink(missing_ok=True)
            _checked_path(place).unlink(missing_ok=True)


def check(paths: Iterable[Path | str], *, whole: bool = False) -> list[str]:
    """Compare the files below `results/` with their digests.

    Args:
        paths: files elsewhere are the user's own and are not compared.
        whole: whether to read large files in any case.

    Returns:
        The files that have no digest; they are also logged.

    Raises:
        InputError: a file is not as its job wrote it. Of several such files, each of the others has a line in the log.
    """
    places = {path: place for path in map(Path, paths) if (place := _digest_path(path)) and path.is_file()}
    unknown = [str(path) for path, place in places.items() if not place.is_file()]
    differences = (_difference(path, place, whole) for path, place in places.items() if place.is_file())
    damaged = [error for error in differences if error]
    if len(damaged) > _MOST_LOGGED:
        logger.error("%d files were damaged or edited; %d of them:", len(damaged), _MOST_LOGGED)
    for error in damaged[1:_MOST_LOGGED]:
        logger.error("%s", error)
    if damaged:
        raise damaged[0]
    if unknown:
        logger.warning("%s", missing_digests(unknown))
    return unknown


@contextmanager
def alone(output: Path | str) -> Iterator[None]:
    """Wait until no other process makes the same file below `results/`.

    A killed Snakemake leaves its jobs running, and the next one starts them again: two processes would write the same
    file, its digest and the checkpoints of its training.
    """
    place = _digest_path(Path(output))
    if place is None:
        yield
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            logger.warning(
                "process %s, of a Snakemake that was killed, still makes %s: waiting for its end, to make it anew "
                "(end that process to go on from the last epoch of its training)",
                file.read(),
                output,
            )
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:  # a file system without locks
            logger.warning("%s: no other process is kept from making it (%s)", output, error)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def missing_digests(unknown: list[str]) -> str:
    """Return a message about files without a digest."""
    names = unknown[0] if len(unknown) == 1 else f"{unknown[0]} and {len(unknown) - 1} more"
    return (
        f"no digest of {names}, so damage would not be seen: made by an older version, or copied without the folder "
        f"{FOLDER}. {files.remedy(unknown[0])}"
    )


def _difference(path: Path, place: Path, whole: bool) -> InputError | None:
    """Return the error of a file that differs from its digest, None where it does not."""
    expected, remedy = _read_digest(place), files.remedy(path)
    if not (isinstance(expected, dict) and expected.keys() == {"size", "crc32"} and isinstance(expected["size"], int)):
        return InputError(
            str(path), f"its digest in {place} was damaged, so damage of the file would not be seen.", remedy
        )
    with path.open("rb", buffering=0) as file:
        mark = {"digest": expected, **_mark(file)}
        if mark["size"] > LARGE and not whole and _read_digest(_checked_path(place)) == mark:
            return None
        content = _digest_of(file)
    if content != expected:
        return InputError.unexpected(
            str(path),
            _described(content),
            f"the {_described(expected)} that its job wrote",
            f"It was damaged or edited. {remedy}",
        )
    if mark["size"] > LARGE:
        files.write_json(_checked_path(place), mark)
    return None


def _mark(file: FileIO) -> dict[str, Any]:
    """Return what changes whenever a file is written, even if its time of modification is set back afterwards."""
    stat = os.fstat(file.fileno())
    return {"inode": stat.st_ino, "size": stat.st_size, "modified": stat.st_mtime_ns, "changed": stat.st_ctime_ns}


def _digest_of(file: FileIO) -> dict[str, Any]:
    """Return the size and the CRC-32 of a file."""
    size, crc, block = 0, 0, memoryview(bytearray(_BLOCK))
    while count := file.readinto(block):
        size, crc = size + count, zlib.crc32(block[:count], crc)
    return {"size": size, "crc32": f"{crc:08x}"}


def _described(content: dict[str, Any]) -> str:
    return f"{content['size']:,} bytes with CRC-32 {content['crc32']}"


def _read_digest(place: Path) -> Any:
    try:
        return files.read_json(place)
    except (ValueError, OSError):
        return None


def _digest_path(path: Path) -> Path | None:
    """Return the path of a file's digest, which lies in its experiment's folder; None for a file of the user's own."""
    parts = Path(os.path.relpath(path)).parts
    if len(parts) < 3 or parts[0] != files.RESULTS:
        return None
    return Path(files.RESULTS, parts[1], FOLDER, *parts[2:-1], f"{parts[-1]}.digest")


def _checked_path(place: Path) -> Path:
    return place.with_suffix(".checked")


def _files_with_digest() -> Iterator[Path]:
    """Yield every file that has a digest."""
    for place in sorted(Path(files.RESULTS).glob(f"*/{FOLDER}/**/*.digest")):
        owner, _, *below = place.relative_to(files.RESULTS).parts
        yield Path(files.RESULTS, owner, *below[:-1], below[-1].removesuffix(".digest"))


def main() -> None:
    """Compare every file of `results/` with its digest, or accept files as they are."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--accept", nargs="+", default=[], metavar="FILE", help="give these files the digest that fits")
    logging.basicConfig(format="%(message)s")
    record(path for path in map(Path, parser.parse_args().accept) if path.is_file())
    known = [path for path in _files_with_digest() if path.is_file()]
    try:
        check(known, whole=True)
    except InputError as error:
        sys.exit(str(error))
    print(f"{len(known)} files are those that their jobs wrote.")


if __name__ == "__main__":
    main()
