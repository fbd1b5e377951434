"""Which input of a model with several inputs is explained, in words for a figure."""

from __future__ import annotations

from pellucid.data_info import DataInfo
from pellucid.messages import comma_list


def in_words(data_info: DataInfo) -> str:
    """Return "explained: ecg; held at the example's values: patient"; empty for data of one input."""
    explained = data_info.get("explained_input")
    if explained is None:
        return ""
    others = [entry["name"] for entry in data_info["inputs"] if entry["name"] != explained]
    return f"explained: {comma_list([explained])}; held at the example's values: {comma_list(others)}"
