"""Peers that import libraries which nothing here needs: empty modules stand in for those while the peer is imported."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any
from unittest import mock

# What each peer asks of the libraries as it is imported.
_ASKED: dict[str, dict[str, dict[str, Any]]] = {
    "pytorch_grad_cam": {
        "cv2": {"COLORMAP_JET": 2},
        "torchvision": {},
        "torchvision.transforms": dict.fromkeys(("Compose", "Normalize", "ToTensor")),
        "torchvision.transforms.functional": {"resize": None},
    },
    # Two kinds of blocks, which no network here has.
    "zennit.composites": {
        "torchvision": {},
        "torchvision.models": {},
        "torchvision.models.resnet": {name: type(name, (), {}) for name in ("Bottleneck", "BasicBlock")},
    },
}


def imported(name: str) -> Any:
    """Import a peer, `pytorch_grad_cam` or `zennit.composites`.

    Raises:
        ImportError: it is not installed.
    """
    made = {}
    for library, content in _ASKED[name].items():
        made[library] = types.ModuleType(library)
        vars(made[library]).update(content)
    with mock.patch.dict(sys.modules, made):
        importlib.import_module(name)
        loaded = {key: module for key, module in sys.modules.items() if key.split(".")[0] == name.split(".")[0]}
    # `mock` also takes away what was imported meanwhile.
    sys.modules.update(loaded)
    return sys.modules[name]
