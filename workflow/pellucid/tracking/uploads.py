"""Send the files of a run to its store: only those that differ from what the run has, several at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

from pellucid import files

Result = TypeVar("Result")

# Hexadecimal digits of the digests of a name and of a content in the tag of a run: 200 files fit into one tag.
_OF_NAME, _OF_CONTENT = 8, 12


def below(folder: str, paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return files with their paths in a folder of the run ("" for none)."""
    return [at(folder, path) for path in paths]


def at(folder: str, path: Path) -> tuple[Path, str]:
    """Return a file with its path in a folder of the run ("" for none)."""
    return path, f"{folder}/{path.name}".lstrip("/")


def contents(attached: Sequence[tuple[Path, str]], documents: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest for each file, by its path among the files of the run."""
    of_files = {name: files.sha256(path)[:_OF_CONTENT] for path, name in attached}
    return of_files | {name: files.digest(content)[:_OF_CONTENT] for name, content in documents.items()}


def in_tag(digests: Mapping[str, str], longest: int) -> str:
    """Return the digests of all files as a tag; of too many files, one digest for all, so that all are sent again."""
    parts = {f"{_key(name)}:{digest}" for name, digest in digests.items()}
    text = " ".join(sorted(parts))
    fits = len(text) <= longest and len({part.partition(":")[0] for part in parts}) == len(digests)
    return text if fits else files.digest(dict(digests))


def changed(digests: Mapping[str, str], tag: str) -> set[str]:
    """Return the paths of files that are not in the tag with the same content."""
    held = set(tag.split())
    return {name for name, digest in digests.items() if f"{_key(name)}:{digest}" not in held}


def _key(name: str) -> str:
    return files.digest(name)[:_OF_NAME]


def send(
    place: str,
    uri: str,
    attached: Sequence[tuple[Path, str]],
    documents: Mapping[str, Any],
    names: Iterable[str],
    threads: int,
) -> None:
    """Send the named files and documents; MLflow has no request for several files.

    Args:
        place: address of the files of the run.
        uri: of the store, as MLflow takes it.
        attached: files, each with its path among the files of the run.
        documents: contents of JSON files, by name.
        names: which of both are sent, by their path among the files of the run.
        threads: how many are sent at a time.
    """
    wanted = set(names)
    if not wanted:
        return
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    # MLflow's client would ask the server for the place, which the caller knows, of each run.
    repository = get_artifact_repository(place, tracking_uri=uri)
    with tempfile.TemporaryDirectory() as folder:
        chosen = [(path, name) for path, name in attached if name in wanted]
        for name, content in documents.items():
            if name in wanted:
                files.write_json(Path(folder) / name, content)
                chosen.append((Path(folder) / name, name))
        calls = []
        for path, name in chosen:
            below, _, last = name.rpartition("/")
            if path.name != last:
                # MLflow calls a file as it is called here.
                path = Path(shutil.copy(path, Path(tempfile.mkdtemp(dir=folder)) / last))
            calls.append(_call(repository.log_artifact, str(path), below or None))
        together(calls, threads)


def send_folder(place: str, uri: str, folder: Path, threads: int) -> None:
    """Send every file of a folder, below the same names."""
    inside = sorted(path for path in folder.rglob("*") if path.is_file())
    attached = [(path, path.relative_to(folder).as_posix()) for path in inside]
    send(place, uri, attached, {}, [name for _, name in attached], threads)


def together(calls: Sequence[Callable[[], Result]], threads: int) -> list[Result]:
    """Make all calls, so many at a time; return their results in order.

    After the first error, no further call begins. Running calls are finished, and the error is raised.
    """
    if threads == 1 or len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(threads, len(calls))) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Without effect on what is done; an interrupt does not wait for the rest either.
            pool.shutdown(wait=True, cancel_futures=True)
        for future in done:
            future.result()
        return [future.result() for future in futures]


def _call(function: Callable[..., Result], *arguments: Any) -> Callable[[], Result]:
    return lambda: function(*arguments)
