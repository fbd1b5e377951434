"""The families of the methods, in the order in which figures show them."""

from __future__ import annotations

from pellucid import plugins
from pellucid.config.variants import method_of

FAMILIES = ("gradient", "relevance", "class activation", "perturbation", "Shapley", "intrinsic", "control")


def family(label: str) -> str:
    """Return the family of the method of an explanation."""
    return str(plugins.spec("explain", method_of(label)).family)
