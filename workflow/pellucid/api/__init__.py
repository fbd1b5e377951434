"""Pellucid from Python: explain a model on examples at hand, without the workflow and without files."""

from pellucid.api.explanation import Explanation
from pellucid.api.functions import explain
from pellucid.errors import InputError

__all__ = ["Explanation", "InputError", "explain"]
