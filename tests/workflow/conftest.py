"""One tiny run of the workflow, and one browser, for all tests that only look at them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import tiny

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `tiny.CONFIG`: of all processes of pytest-xdist one makes it, others copy it."""
    folder, shared = tmp_path_factory.mktemp("tiny"), tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    built, made = shared / "tiny_run", shared / "tiny_run.made"
    # The lock goes with its process, also where that is killed.
    with (shared / "tiny_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(built, ignore_errors=True)
            built.mkdir()
            tiny.write_config(built)
            tiny.build(built)
            made.touch()
    shutil.copytree(built, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with tiny.chromium() as window:
        yield window
