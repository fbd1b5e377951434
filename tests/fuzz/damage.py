"""Damage of binary files: bytes turned, cut off, put in, repeated."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KINDS = ["turn", "cut", "zero", "insert", "append", "lack"]


def damages() -> Any:
    """Descriptions of damage; mostly none at all."""
    one = st.fixed_dictionaries(
        {"kind": st.sampled_from(KINDS), "at": st.floats(0, 1), "bytes": st.binary(min_size=1, max_size=8)}
    )
    return st.integers(0, 3).flatmap(lambda kind: st.lists(one, min_size=1, max_size=3) if kind == 3 else st.none())


def damaged(content: bytes, damage: list[dict[str, Any]] | None) -> bytes:
    """The content after the damage, each at its share of the length."""
    for one in damage or ():
        at, put = int(one["at"] * len(content)), one["bytes"]
        content = {
            "turn": content[:at]
            + bytes(byte ^ mask for byte, mask in zip(content[at:], put, strict=False))
            + content[at + len(put) :],
            "cut": content[:at],
            "zero": content[:at] + bytes(len(content[at : at + 64])) + content[at + 64 :],
            "insert": content[:at] + put + content[at:],
            "append": content + put,
            "lack": content[:at] + content[at + len(put) :],
        }[one["kind"]]
    return content
