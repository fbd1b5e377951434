"""Which device a job may use: the CPU, or one card that TensorFlow can compute on; and what belongs to each.

`job` chooses before TensorFlow is loaded, `network.cards` looks for the card. Where nobody has chosen, as in a
notebook, TensorFlow uses what it finds.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# With it set, CUDA shows no card to this process and to those that it starts.
VISIBLE, NONE = "CUDA_VISIBLE_DEVICES", "-1"
_DRIVER = Path("/proc/driver/nvidia/version")


class Limits(NamedTuple):
    """What the checks of methods allow.

    Attributes:
        completeness: largest residual, as a share of the change of the logit.
        batch: largest change with the other examples of a batch, as a share of the largest attribution.
    """

    completeness: float
    batch: float


# The rounding of one product, relative: 2^-24 in float32, 2^-11 in TF32. On a card, cuDNN also chooses another order of
# summation for another size of the batch. These limits have not been measured on a card: docs/how_to/gpu.md.
CPU = Limits(completeness=0.05, batch=1e-3)
CARD = Limits(completeness=0.05, batch=5e-3)
CARD_TF32 = Limits(completeness=0.1, batch=0.05)


class Choice(NamedTuple):
    """What a job may use.

    Attributes:
        card: whether one card.
        tf32: whether the card may round the factors of products to 10 bits, which is faster.
    """

    card: bool
    tf32: bool


_choice: Choice | None = None
_used: dict[str, Any] = {}
_locks: list[int] = []


def choose(gpu: Mapping[str, Any] | None) -> None:
    """Choose for this process: the entry `gpu` of the configuration, None for the CPU alone."""
    global _choice
    _choice = Choice(gpu is not None, bool((gpu or {}).get("tf32", False)))
    if gpu is None:
        os.environ[VISIBLE] = NONE


def choice() -> Choice | None:
    """Return what was chosen; None where nobody has chosen."""
    return _choice


def limits() -> Limits:
    """Return what the checks allow: by what was asked for, since the maps may come from another machine."""
    if _choice is None or not _choice.card:
        return CPU
    return CARD_TF32 if _choice.tf32 else CARD


def use(facts: Mapping[str, Any]) -> None:
    """Remember the device that TensorFlow computes on: its name, driver and CUDA."""
    _used.clear()
    _used.update(facts)


def used() -> dict[str, Any]:
    """Return the device for records and keys of checkpoints; empty for a job that asked for no card."""
    return dict(_used)


def driver() -> str:
    """Return the version of NVIDIA's driver; "unknown" where the system does not say."""
    try:
        version = re.search(r"\b\d{3,}\.\d+(?:\.\d+)?\b", _DRIVER.read_text(encoding="utf-8"))
    except OSError:
        version = None
    return version[0] if version else "unknown"


def free(names: Sequence[str], folder: Path | None = None) -> int | None:
    """Return the index of a card that no other job of this machine has taken, and take it until this process ends.

    Args:
        names: of the cards that CUDA shows to this process, in its order.
        folder: for the files that stand for cards; the machine's own for temporary files.

    Returns:
        None where all are taken.
    """
    # Cards that a cluster has given to this job are known by the numbers that it gave.
    shown = os.environ.get(VISIBLE, "").split(",")
    identities = shown if len(shown) == len(names) else [str(index) for index in range(len(names))]
    for index, identity in enumerate(identities):
        name = f"pellucid-gpu-{os.getuid()}-{re.sub('[^0-9A-Za-z-]', '_', identity)}"
        path = (folder or Path(tempfile.gettempdir())) / name
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        _locks.append(lock)
        return index
    return None
