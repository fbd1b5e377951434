"""A disk that is full, or that refuses a file: one line with the file's name, and nothing half-written."""

from __future__ import annotations

import errno
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import disk_errors, files
from pellucid.errors import InputError
from pellucid.jobs.script import job

LIMIT = 20_000  # bytes


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may be larger than `LIMIT`, as on a disk without room."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


LARGE = np.random.default_rng(1).standard_normal(10_000)

WRITERS: dict[str, Callable[[Path], object]] = {
    "a.npy": lambda path: files.write_array(path, LARGE),
    "a.npz": lambda path: files.write_arrays(path, {"x": LARGE}),
    "a.json": lambda path: files.write_json(path, LARGE.tolist()),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_without_room_is_named_and_not_left_half_written(tmp_path: Path, small_files: None, name: str) -> None:
    with pytest.raises(InputError, match="no room") as raised:
        WRITERS[name](tmp_path / name)
    assert raised.value.where == str(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_room_is_named(keras, linear, tmp_path: Path, small_files: None) -> None:
    import keras as library

    model = library.Sequential([library.layers.Input((100,)), library.layers.Dense(500)])
    with pytest.raises(InputError, match="no room") as raised:
        files.write(tmp_path / "model.keras", model.save)
    assert raised.value.where == str(tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_none_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    def save(path: Path) -> None:
        raise OSError("could not decode")

    with pytest.raises(OSError, match="could not decode"):
        files.write(tmp_path / "a", save)
    for error in (ConnectionResetError(errno.ECONNRESET, "gone"), ValueError("errno"), KeyError(28)):
        assert disk_errors.refusal(error, tmp_path / "a") is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_job_that_the_disk_stops_says_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    snakemake = SimpleNamespace(
        wildcards=["a"], rule="train", input=[], log=[str(tmp_path / "logs" / "a.log")], output=[str(tmp_path / "b" / "model")],
        params=SimpleNamespace(items=dict),
    )  # fmt: skip
    with pytest.raises(SystemExit), job(snakemake):
        raise OSError(number, os.strerror(number))
    _close()
    (line,) = capsys.readouterr().err.splitlines()
    assert os.strerror(number) in line
    assert str(tmp_path / "b" / "model") in line
    assert "Traceback" not in (tmp_path / "logs" / "a.log").read_text()


def test_a_log_without_room_costs_no_line_of_the_terminal(
    tmp_path: Path, small_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    snakemake = SimpleNamespace(
        wildcards=["a"],
        rule="train",
        input=[],
        log=[str(tmp_path / "a.log")],
        output=[],
        params=SimpleNamespace(items=dict),
    )
    with job(snakemake):
        for _ in range(30):
            logging.getLogger("pellucid.test").warning("x" * 1000)
    _close()
    assert capsys.readouterr().err.splitlines() == [f"[a train] {'x' * 1000}"] * 30


def _close() -> None:
    logger = logging.getLogger("pellucid")
    logger.propagate = True
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        with suppress(OSError):  # as logging itself does at the end
            handler.close()
