"""Sizes of the files that a job will read, on this machine or in a storage such as S3, to estimate what the job takes.

Snakemake hands the paths of a storage's files with objects that can ask the storage. Asking takes some hundredths of a
second, and is done only where a run is planned; while Snakemake plans it has listed the storage, and nothing is asked.
"""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files

logger = logging.getLogger(__name__)

# Seconds for which an answer of the storage counts: a group of jobs asks for the same files many times.
_FRESH = 30.0
# Bytes in which the header of an array lies.
_HEADER = 4096
_sizes: dict[str, tuple[float, int]] = {}


def size_of(path: Any) -> int:
    """Return the size of a file in bytes; 0 for one that does not exist yet.

    Args:
        path: text, or Snakemake's text with `storage_object`.
    """
    if Path(path).is_file():
        return Path(path).stat().st_size
    stored = _stored(path)
    if stored is None:
        return 0
    listed = path.rule.workflow.iocache
    if listed.active:
        return int(listed.size.get(path, 0))
    asked, size = _sizes.get(stored.query, (-_FRESH, 0))
    if time.monotonic() - asked > _FRESH:
        size = _asked(stored)
        _sizes[stored.query] = time.monotonic(), size
    return size


def example_bytes(path: Any) -> int:
    """Return the size of one example of a file of examples (.npy); 0 for one that does not exist yet."""
    if Path(path).is_file():
        with Path(path).open("rb") as file:
            return _bytes_of_row(file)
    if not size_of(path) or not hasattr(stored := _stored(path), "s3obj") or path.rule.workflow.iocache.active:
        return 0
    try:
        start = stored.s3obj().get(Range=f"bytes=0-{_HEADER - 1}")["Body"].read()
        return _bytes_of_row(io.BytesIO(start))
    except Exception as error:  # of the storage's library, or no array: the estimate is lower, no more
        logger.warning("%s cannot be asked for the size of an example: %s", path, error)
        return 0


def _stored(path: Any) -> Any:
    """Return Snakemake's object of a file in a storage; None for other files, and in the process of a job."""
    if not getattr(path, "is_storage", False) or not path.rule.workflow.is_main_process:
        return None
    return path.storage_object


def _asked(stored: Any) -> int:
    try:
        return int(stored.size()) if stored.exists() else 0
    except Exception as error:  # of the storage's library: the estimate is lower, no more
        logger.warning("%s cannot be asked for its size: %s", stored.query, error)
        return 0


def _bytes_of_row(file: Any) -> int:
    shape, _, dtype = files.read_header(file)
    return int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
