"""Runs of the workflow that are killed at random moments, compared with one that nothing disturbed.

What is killed is Snakemake with all its jobs (a lost connection, a power cut), Snakemake alone, so that its jobs go on
as orphans beside those of the next run, or one job (what the kernel does when memory is short). Each time the same
command is given again, until everything is made; then all files are to have the same bytes.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import psutil

from tests.support import tiny
from tests.support.job_processes import jobs

CONFIG = {
    "run": ["digits"],
    "defaults": {"training": {"epochs": 4, "batch_size": 64}, "examples": {"per_class": 1}},
    "experiments": {
        "digits": {
            **tiny.DIGITS,
            "title": "Digits that are killed",
            "methods": {"saliency": {}, "occlusion": {"window": 3, "stride": 2}},
            "scores": {"form": {}},
            "views": {"filters": {}},
        }
    },
}
# Compared are all files but these, each for its reason.
LEFT_OUT = {
    "metadata.json in a .keras": "the time of day",
    "*/logs/*": "lines with times",
    "*/benchmarks/*": "times",
    "*/.digests/*": "digests of the files below too",
    "mlflow/*": "a database and the artifacts of runs with random ids; its runs are compared by themselves",
    "*/tracking.json": "ids of those runs",
    "*/cost.json": "seconds",
    "*/views/*/*.json": "seconds",
}
_PATIENCE = 900  # seconds without an end


@dataclass
class Round:
    """One folder in which everything was made, and how often that was disturbed."""

    folder: Path
    kills: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def undisturbed(folder: Path) -> float:
    """Make everything in a new folder; return the seconds from the first job on."""
    folder.mkdir()
    tiny.write_config(folder, CONFIG)
    with _started(folder) as process:
        _first_job(process, folder)
        start = time.monotonic()
        assert process.wait(_PATIENCE) == 0, _said(folder)
    return time.monotonic() - start


def rounds(whole: Path, seconds: float, kills: int, seed: int) -> Iterator[Round]:
    """Kill as often as asked, in as many new folders beside `whole` as that takes, and compare each with it.

    Args:
        whole: the folder of `undisturbed`.
        seconds: what that returned; the moments are drawn within a quarter of it after a first job has begun.
        kills: how many.
        seed: of the moments and the kinds.
    """
    rng, left = random.Random(seed), kills
    while left:
        found = Round(whole.with_name(f"{whole.name}_{kills - left}"))
        found.folder.mkdir()
        tiny.write_config(found.folder, CONFIG)
        done = False
        while not done:
            kind = rng.choice(list(KINDS)) if left else ""
            moment = rng.uniform(0, seconds / 4)
            # The lock of a killed Snakemake; `snakemake --unlock` does the same and takes seconds.
            for lock in found.folder.glob(".snakemake/locks/*"):
                lock.unlink()
            with _started(found.folder) as process:
                done, killed = _disturbed(process, found.folder, kind, moment)
            if killed:
                found.kills[kind] = found.kills.get(kind, 0) + 1
                left -= 1
        _wait_for_orphans(found.folder)
        found.differences = differences(whole, found.folder)
        yield found


def _disturbed(process: subprocess.Popen[bytes], folder: Path, kind: str, moment: float) -> tuple[bool, bool]:
    """Whether a run made everything, and whether it was killed on its way."""
    killed = False
    if kind and _first_job(process, folder):
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        killed = process.poll() is None and KINDS[kind](process)
    code = process.wait(_PATIENCE)
    assert killed or code == 0, _said(folder)
    return code == 0, killed


def _started(folder: Path) -> subprocess.Popen[bytes]:
    command = tiny.command(folder, "--cores", "2")
    with (folder / "said.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=tiny.environment(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def _said(folder: Path) -> str:
    return (folder / "said.log").read_text(errors="replace")[-5000:]


def _first_job(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Wait for the first job of a run; whether there is one."""
    while process.poll() is None:
        if re.search(r"^\[ *\d+/\d+\] ", (folder / "said.log").read_text(errors="replace"), re.MULTILINE):
            return True
        time.sleep(0.05)
    return False


def _kill_all(process: subprocess.Popen[bytes]) -> bool:
    os.killpg(process.pid, signal.SIGKILL)
    return True


def _kill_snakemake(process: subprocess.Popen[bytes]) -> bool:
    process.kill()
    return True


def _kill_job(process: subprocess.Popen[bytes]) -> bool:
    """Kill one job, if one runs; Snakemake goes on with the others."""
    for _, child in jobs(process.pid):
        child.kill()
        return True
    return False


KINDS: dict[str, Callable[[subprocess.Popen[bytes]], bool]] = {
    "all": _kill_all,
    "snakemake": _kill_snakemake,
    "job": _kill_job,
}


def _wait_for_orphans(folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _of(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _of(folder), "jobs of a killed Snakemake do not end"


def _of(folder: Path) -> list[psutil.Process]:
    """The processes that run in a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder):
                found.append(process)
    return found


def differences(whole: Path, killed: Path) -> list[str]:
    """What differs between the results of two folders: names of files, and of runs in MLflow."""
    return different_files(whole, killed) + [str(entry) for entry in sorted(_runs(whole) ^ _runs(killed))]


def different_files(whole: Path, killed: Path) -> list[str]:
    """The names of files that only one of two folders has, or that differ."""
    expected, found = _files(whole), _files(killed)
    return [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]


def _files(folder: Path) -> dict[str, object]:
    results = folder / "results"
    paths = (path.relative_to(results) for path in results.rglob("*") if path.is_file())
    kept = (path for path in paths if not any(fnmatch(str(path), pattern) for pattern in LEFT_OUT))
    return {str(path): _content(results / path) for path in kept}


def _content(path: Path) -> object:
    """The bytes of a file; of a model those of its parts, without the one that holds the time of day."""
    if path.suffix != ".keras":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "metadata.json"}


def _runs(folder: Path) -> set[tuple[str, ...]]:
    """Every run of the record that was not deleted, with its state and its numbers, but for times."""
    query = """
        select r.name, r.status, m.key, m.value from runs r left join latest_metrics m using (run_uuid)
        where r.lifecycle_stage = 'active' and coalesce(m.key, '') not like '%seconds%'
    """
    with closing(sqlite3.connect(folder / "results/mlflow/mlflow.db")) as database:
        rows = [tuple(map(str, row)) for row in database.execute(query)]
    # Two runs of one name would be two equal rows.
    return {(*row, str(rows.count(row))) for row in rows}
