"""Pellucid: train convolutional networks on signals and images, and explain what they look at.

    import pellucid
    explanation = pellucid.explain(model, x, "grad_cam")

The names below are loaded when they are first used: `import pellucid` takes no time, and never starts TensorFlow.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

# What `pellucid.api` offers, for notebooks. `__init__.pyi` tells it to type checkers and editors.
_OFFERED = ("Comparison", "Explanation", "InputError", "ModelView", "compare", "explain", "view")


class _Package(ModuleType):
    """This package: `explain` and `compare` stay functions although there are folders of these names.

    Python sets a folder as an attribute of its package once it is imported. Modules in the folders are imported by
    their full name (`from pellucid.explain.base import …`), which does not use the attribute.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _OFFERED:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        offered = getattr(importlib.import_module("pellucid.api"), name)
        setattr(self, name, offered)
        return offered

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _OFFERED and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_OFFERED})


sys.modules[__name__].__class__ = _Package
