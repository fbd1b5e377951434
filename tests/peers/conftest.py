"""Every test here is slow: they load other frameworks, and `make peers` has to install them."""

from pathlib import Path

import pytest

from pellucid.network import runtime

# Some of these libraries import TensorFlow when the tests are collected: it must have its one thread by then, or the
# trainings of other tests, which are compared byte by byte with those of other processes, would differ.
runtime.start(1)
HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in Path(item.fspath).parents:
            item.add_marker(pytest.mark.slow)
