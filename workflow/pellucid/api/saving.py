"""Save what a function of the API returned: its arrays, or its figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pellucid import files
from pellucid.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES = (".png", ".svg", ".pdf")


def save_arrays_or_figure(path: Path | str, arrays: Mapping[str, NDArray[Any]], plot: Callable[[], Figure]) -> None:
    """Write arrays as .npz, or the figure as .png, .svg or .pdf.

    Args:
        path: its suffix chooses the format; missing folders are made.
        arrays: of the .npz.
        plot: draws the figure.

    Raises:
        InputError: another suffix.
    """
    path = Path(path).expanduser()
    if path.suffix not in (".npz", *_PICTURES):
        raise InputError.unexpected("save", path.name, f"a name that ends in .npz, {', '.join(_PICTURES)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npz":
        files.write_arrays(path, arrays)
        return
    from pellucid.draw import style

    style.save(plot(), path)
