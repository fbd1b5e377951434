"""Pellucid from Python: explain a model on examples at hand, without the workflow and without files."""

from pellucid.api.comparison import Comparison
from pellucid.api.explanation import Explanation
from pellucid.api.functions import compare, explain
from pellucid.api.viewing import ModelView, view
from pellucid.errors import InputError

__all__ = ["Comparison", "Explanation", "InputError", "ModelView", "compare", "explain", "view"]
