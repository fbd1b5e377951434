"""Which processes are jobs: a Python with Snakemake's copy of a script, or a fork that is named after the script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil


def jobs(snakemake: int) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the name of the script and the process of each job that runs below a Snakemake.

    Args:
        snakemake: its process id.
    """
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(snakemake).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                command, name = child.cmdline(), child.name()
                if "pellucid.jobs.warm_parent" in command:
                    if name.endswith(".py"):
                        yield name, child
                elif ".snakemake/scripts" in " ".join(command):
                    yield Path(command[-1]).name.split(".", 1)[-1], child
