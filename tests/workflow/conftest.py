"""One tiny run of the workflow, and one browser, for all tests that only look at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import tiny

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `tiny.CONFIG`."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny.write_config(folder)
    tiny.build(folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with tiny.chromium() as window:
        yield window
