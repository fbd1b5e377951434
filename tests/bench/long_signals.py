"""Long signals, 12 leads of 1,250, 5,000 and 20,000 samples: what methods cost as they get longer, and the figures.

A cost that is linear in the length grows by (16 - 4) / (4 - 1) = 4 times as much from the second to the third length as
from the first to the second, a quadratic one by 16; what does not depend on the length falls out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from tests.bench.timing import row

LENGTHS = (1_250, 5_000, 20_000)
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
RATE, EXAMPLES = 500, 4
# The goals for a figure of 12 leads of 5,000 samples.
SECONDS, KILOBYTES = 2.0, 500.0
# Growth of less than this many seconds tells nothing.
SHORT = 0.2
METHODS: dict[str, dict[str, Any]] = {
    "saliency": {},
    "integrated_gradients": {"steps": 20},
    "grad_cam": {},
    "occlusion": {"window": 250, "stride": 250, "channels": "each"},
    "rise": {"masks": 20},
    "lrp": {},
    "random_attribution": {},
}


def main() -> None:
    """Measure and print both."""
    from pellucid.network import runtime

    runtime.start(1)
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    drawn: dict[str, NDArray[Any]] = {}
    for length in LENGTHS:
        case = _case(length)
        for name, parameters in METHODS.items():
            took, maps = _explained(case, name, parameters)
            seconds[name].append(took)
            if length == LENGTHS[1]:
                drawn[name] = maps
        if length == LENGTHS[1]:
            _figures(case, drawn)
    print(f"12 leads, {EXAMPLES} examples: CPU seconds by the number of samples; growth: 1 is linear, 4 quadratic")
    row("", *(f"{length:,}" for length in LENGTHS), "growth")
    for name, of_method in seconds.items():
        later = of_method[2] - of_method[1]
        growth = later / (4 * max(of_method[1] - of_method[0], 1e-9)) if later > SHORT else "short"
        row(name, *of_method, growth)
    print()


def _signals(length: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    beat = np.exp(-0.5 * ((np.arange(length) % 400 - 200) / 6.0) ** 2)[:, np.newaxis]
    x = rng.normal(0, 0.05, (EXAMPLES, length, len(LEADS))) + beat * rng.uniform(0.5, 1.5, (EXAMPLES, 1, len(LEADS)))
    return x.astype(np.float32)


def _case(length: int) -> Any:
    """Return a network with random weights for signals of this length, and the signals."""
    import keras

    from tests.support import explained

    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((length, len(LEADS))),
            layers.Conv1D(8, 9, padding="same", activation="relu"),
            layers.MaxPooling1D(4),
            layers.Conv1D(8, 9, padding="same", activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    return explained.case_of(model, _signals(length))


def _explained(case: Any, name: str, parameters: dict[str, Any]) -> tuple[float, NDArray[Any]]:
    """Return the CPU seconds of a call after the first, which traces the network, and the maps."""
    from tests.support import explained

    found = explained.explanation_of(case, name, **parameters)
    return _cpu(lambda: found.re_explain(case.inputs, case.targets)), np.asarray(found.attributions)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _figures(case: Any, maps: dict[str, NDArray[Any]]) -> None:
    """Draw the explanations of 12 leads of 5,000 samples, and print seconds and sizes."""
    data: DataInfo = {
        "title": "Simulated beats",
        "kind": "series",
        "classes": ["a", "b"],
        "channels": list(LEADS),
        "unit": "mV",
        "sampling_rate_hz": float(RATE),
        "shape": [LENGTHS[1], len(LEADS)],
    }  # type: ignore[typeddict-item]
    shared = {
        "inputs": case.inputs,
        "indices": np.arange(EXAMPLES),
        "labels": case.targets,
        "predictions": case.targets,
        "targets": case.targets,
        "probabilities": np.full((EXAMPLES, 2), 0.5),
    }
    print(f"Figures of 12 leads of {LENGTHS[1]:,} samples, {EXAMPLES} examples")
    row("", "CPU s", "kB of PNG", "kB of SVG")
    with tempfile.TemporaryDirectory() as name:
        for method, attributions in maps.items():
            arrays = {**shared, "variants": np.array([method]), "attributions": attributions[np.newaxis]}
            paths = [Path(name) / f"{method}.{suffix}" for suffix in ("png", "svg")]
            took = [_cpu(lambda: _draw(method, arrays, data, paths)) for _ in range(2)]  # noqa: B023
            row(method, min(took), *(path.stat().st_size / 1000 for path in paths))
    row("goal", SECONDS, KILOBYTES, KILOBYTES)
    print(flush=True)


def _draw(method: str, arrays: dict[str, NDArray[Any]], data: DataInfo, paths: list[Path]) -> None:
    from pellucid import plugins
    from pellucid.config.schema_errors import parameters_schema, with_defaults
    from pellucid.draw import explanation, style

    chosen = with_defaults(METHODS[method], parameters_schema(plugins.parameters(plugins.load("explain")[method])))
    style.save(explanation.figure(method, chosen, method, arrays, style.shown(data), title="Long signals"), *paths)
