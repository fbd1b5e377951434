"""Small made-up results of an experiment, and its page: no network is trained."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pellucid import files, tables
from pellucid.compare import leaderboard
from pellucid.page.build import build

METHODS: Mapping[str, Mapping[str, Any]] = {
    "saliency": {"mode": "absolute"},
    "occlusion": {"sweep": {"window": [2, 3]}, "channels": "each"},
    "grad_cam": {"layer": "last", "relu": True},
    "random_attribution": {},
}
LABELS = {
    "saliency": ["saliency"],
    "occlusion": ["occlusion.window=2", "occlusion.window=3"],
    "grad_cam": ["grad_cam"],
    "random_attribution": ["random_attribution"],
}
FAILED = {"saliency": ("sanity", 0.83, ">", 0.5), "random_attribution": ("sanity", 1.0, ">", 0.5)}


@dataclass
class Made:
    """What was written: the page, its JSON, and the arrays of each explanation."""

    folder: Path
    html: str
    content: dict[str, Any]
    shared: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]

    @property
    def path(self) -> Path:
        return self.folder / "page.html"

    @property
    def text(self) -> str:
        """The page's HTML without its script and its style, with every letter as it is shown."""
        body = re.sub(r"(?s)<(script|style)[^>]*>.*?</\1>", "", self.html)
        return html.unescape(re.sub(r"<[^>]*>", " ", body))


def arrays(
    rng: np.random.Generator, shape: Sequence[int], n_classes: int, count: int, *, measured: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arrays that all methods share, and the maps of each explanation; every third example is taken for another."""
    labels = np.arange(count) % n_classes
    predictions = np.where(np.arange(count) % 3 == 2, (labels + 1) % n_classes, labels)
    p = rng.dirichlet(np.ones(n_classes), count)
    strongest = p.argmax(1)
    for row in range(count):
        p[row, [strongest[row], predictions[row]]] = p[row, [predictions[row], strongest[row]]]
    shared = {
        "indices": rng.permutation(count * 3)[:count],
        "inputs": rng.normal(size=(count, *shape)).astype(np.float32),
        "labels": labels,
        "predictions": predictions,
        "targets": predictions,
        "probabilities": p,
    }
    if measured:
        shared["measured"] = np.ones((count, *shape), bool)
        shared["measured"][:, :3] = False
    maps = {
        label: rng.normal(size=(count, *shape)).astype(np.float32)
        for of_method in LABELS.values()
        for label in of_method
    }
    # A class activation map is the same for every channel.
    maps["grad_cam"][...] = np.abs(maps["grad_cam"][..., :1])
    maps["saliency"] = np.abs(maps["saliency"])
    return shared, maps


def _scored(folder: Path) -> dict[str, Path]:
    """Write the tables of a leaderboard and of the checks, by the code of the workflow."""
    labels = [label for of_method in LABELS.values() for label in of_method]
    means = {"saliency": 0.9, "occlusion.window=2": 0.8, "occlusion.window=3": 0.8, "grad_cam": 0.2}
    rows = [
        (name, name.split(".")[0], "relevance_rank", "all", "all", means.get(name, 0.1), 0.0, 1.0, 6, "studentised")
        for name in labels
    ]
    columns = ["explanation", "method", "metric", "over", "class", "mean", "low", "high", "examples", "interval"]
    scores = pd.DataFrame(rows, columns=columns)
    scores["comparable mean"], scores["comparable examples"] = scores["mean"], scores["examples"]
    tables.write(folder / "localisation.csv", scores)
    checks = [
        (name, *FAILED[name], False) if name in FAILED else (name, "sanity", 0.1, ">", 0.5, True) for name in labels
    ]
    columns = ["explanation", "check", "value", "sign", "limit", "passed"]
    tables.write(folder / "checks.csv", pd.DataFrame(checks, columns=columns))
    paths = {name: folder / f"{name}.csv" for name in ("leaderboard", "leaderboard_metrics", "checks")}
    leaderboard.run(
        scores={"localisation": folder / "localisation.csv"},
        checks=paths["checks"],
        table=paths["leaderboard"],
        metrics=paths["leaderboard_metrics"],
    )
    return paths


def write(
    folder: Path,
    rng: np.random.Generator,
    *,
    shape: Sequence[int] = (40, 1),
    classes: Sequence[str] = ("a", "b"),
    channels: Sequence[str] | None = None,
    title: str = "Bumps",
    unit: str = "mV",
    count: int = 6,
    methods: Mapping[str, Mapping[str, Any]] = METHODS,
    scored: bool = True,
    evaluated: bool = True,
    measured: bool = False,
    right: int = 80,
    flags: Mapping[str, Path] | None = None,
    change: Any = None,
    view_measures: Sequence[Path] = (),
) -> Made:
    """Write results and their page; `change` gets the shared arrays and the maps before they are written."""
    shared, maps = arrays(rng, shape, len(classes), count, measured=measured)
    if change:
        change(shared, maps)
    attributions = {}
    for method in methods:
        stacked = {
            "variants": np.array(LABELS[method]),
            "attributions": np.stack([maps[name] for name in LABELS[method]]),
        }
        attributions[method] = folder / f"{method}.npz"
        files.write_arrays(attributions[method], {**shared, **stacked})
    each = dict.fromkeys(classes, 100 // len(classes) or 1)
    data = {
        "title": title,
        "kind": "image" if len(shape) == 3 else "series",
        "citation": "Someone A. Data. Journal (2001)",
        "classes": list(classes),
        "channels": list(channels or [f"c{place}" for place in range(shape[-1])]),
        "sampling_rate_hz": 10.0,
        "notes": [],
        "groups": {},
        "shape": list(shape),
        "counts": {"train": each, "validation": each, "test": each},
        "scale": "none",
        "unit": unit,
    }
    files.write_json(folder / "data.json", data)
    trained = {"parameters": 1234, "epochs": 5, "best_epoch": 4, "loss": "crossentropy", "monitor": "val_loss"}
    files.write_json(folder / "training.json", {**trained, "versions": {"tensorflow": "2.0", "keras": "3.0"}})
    optional: dict[str, Path] = _scored(folder) if scored else {}
    if evaluated:
        total = sum(each.values())
        numbers = {
            "accuracy": min(right / total, 1),
            "balanced_accuracy": min(right / total, 1),
            "test_examples": total,
        }
        files.write_json(folder / "metrics.json", numbers)
        per_class = pd.DataFrame({"class": list(classes), "recall": rng.random(len(classes))})
        tables.write(folder / "per_class.csv", per_class)
        optional |= {"metrics": folder / "metrics.json", "per_class": folder / "per_class.csv"}
    build(
        view_measures=view_measures,
        experiment="bumps",
        title=title,
        settings={
            "model": {"architecture": "gap_cnn"},
            "training": {"optimizer": "adam", "learning_rate": 0.001, "batch_size": 32},
            "seed": 1,
            "examples": {"per_class": 3, "choose": "any", "target": "predicted"},
            "methods": methods,
            "scores": {"localisation": {}} if scored else {},
        },
        data_info=folder / "data.json",
        training=folder / "training.json",
        attributions=attributions,
        output=folder / "page.html",
        report_summary=folder / "summary.json",
        flags=flags,
        **optional,
    )
    text = (folder / "page.html").read_text(encoding="utf-8")
    (block,) = re.findall(r'<script type="application/json" id="content">(.*?)</script>', text)
    return Made(folder, text, json.loads(block), shared, maps)
