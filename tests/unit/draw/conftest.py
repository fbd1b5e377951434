"""What the tests of figures share."""

from __future__ import annotations

from typing import Any

import pytest

from pellucid.draw import style


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every figure that is saved, laid out, instead of being written."""
    found = []

    def keep(figure: Any, *paths: object) -> None:
        figure.draw_without_rendering()
        found.append(figure)

    monkeypatch.setattr(style, "save", keep)
    return found
