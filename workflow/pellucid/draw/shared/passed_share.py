"""What figures say of the numbers of a layer's units: their names, and whether they are the whole score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = {
    "conductance": "conductance",
    "influence": "influence",
    "activation_times_gradient": "activation × gradient",
    "integrated_gradients": "integrated gradients",
    "gradient": "gradient",
}
_CLOSE = 0.05  # share of the changes of the scores that the sum may be off by


def in_words(arrays: Mapping[str, NDArray[Any]], parameters: Mapping[str, Any]) -> str:
    """Return lines of a caption: of what change the conductances are shares, and a warning where they do not add up.

    Args:
        arrays: of the view: change (E,), passes_all, and where there are those of all filters totals (E, filters).
        parameters: of the view: of, steps, baseline.
    """
    # Those of a neuron add up to its output.
    of_layer = "totals" in arrays and parameters["of"] == "integrated_gradients"
    if parameters["of"] != "conductance" and not of_layer:
        return ""
    words = f"\nscore: by how much it changes from the baseline ({parameters['baseline']}) to the example"
    if not arrays["passes_all"]:
        return f"{words}; not all paths pass through this layer: its units have only a part of it"
    if "totals" in arrays:
        off = np.abs(arrays["totals"].sum(1) - arrays["change"]).sum()
        if off > _CLOSE * np.abs(arrays["change"]).sum():
            words += f"; all units miss it by {off / max(np.abs(arrays['change']).sum(), 1e-12):.0%}: raise steps"
    return words
