"""Whether jobs run on machines that share no file system with the one where Snakemake was started.

The rules say so once, by `announce`; the processes of the jobs inherit it. Then the local files that the configuration
names are brought into the storage by a rule, and are looked for only where Snakemake was started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

_VARIABLE = "PELLUCID_NO_SHARED_FILES"
_BEGUN_HERE, _ELSEWHERE = "begun here", "elsewhere"


def announce(*, shared: bool, main: bool) -> None:
    """Say it to this process and to those that it starts.

    Args:
        shared: whether all machines see the same files.
        main: whether this process plans the run, and does not run one of its jobs.
    """
    os.environ.pop(_VARIABLE, None)
    if not shared:
        os.environ[_VARIABLE] = _BEGUN_HERE if main else _ELSEWHERE


def files_travel() -> bool:
    """Return whether the files of a run are brought to its jobs by a storage."""
    return _VARIABLE in os.environ


def is_elsewhere() -> bool:
    """Return whether this is the process of a job, on a machine without the user's local files."""
    return os.environ.get(_VARIABLE) == _ELSEWHERE


def folder_faults(dataset: Mapping[str, Any], folders: tuple[str, ...], path: str) -> list[str]:
    """Return a fault for each local folder that a data source reads as a whole: it cannot be brought to a job.

    Args:
        dataset: the experiment's `dataset` entry.
        folders: parameters of the source that name folders.
        path: of the entry, for the message.
    """
    if not files_travel():
        return []
    return [
        f"{path}.{name}: found the folder {dataset[name]}, and jobs that share no file system; expected files, which "
        "are brought to the jobs one by one. Pack it: one archive for ptbxl, a table (.npz) for images; or prepare the "
        "data where the folder is."
        for name in folders
        if dataset[name] != "none"
    ]
