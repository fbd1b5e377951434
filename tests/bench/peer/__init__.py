"""The peers of the benchmark, one file each.

A peer is a module with `NAME`, `SIZELESS` (whether it takes no batch size), `METHODS` (those it has, of Pellucid's
names) and `work(case, method, size) -> Callable[[int], object]`, which prepares an explanation in batches of `size`
examples and returns the function that explains the first so many inputs of the case. It may raise what it likes: the
benchmark prints the reason. `LEAST`, where a module has it, is the least number of inputs that is measured; `share` of
the returned function is the part of its work that it does.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

# Of each peer, the package that must be there.
PEERS = {
    "captum_": "captum",
    "grad_cam_": "pytorch_grad_cam",
    "xplique_": "xplique",
    "tf_keras_vis_": "tf_keras_vis",
    "shap_": "shap",
    "lime_": "lime",
    "zennit_": "zennit",
    "tint_": "tint",
    "torchray_": "torchray",
    "predictions": "keras",
}


def load() -> tuple[list[ModuleType], list[str]]:
    """The peers that are installed, and the packages of those that are not."""
    here = {name: importlib.util.find_spec(package) is not None for name, package in PEERS.items()}
    found = [importlib.import_module(f"tests.bench.peer.{name}") for name, installed in here.items() if installed]
    return found, [PEERS[name] for name, installed in here.items() if not installed]
