"""`pellucid report`: one file with every figure."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(short_help="Write one file with every figure.")
@click.argument("file", type=click.Path(path_type=Path), default=Path("results/report.html"))
def report(file: Path) -> None:
    """Write FILE, the report on the results of `pellucid run`: one file with every figure.

    FILE is results/report.html if it is left out.
    """
    from pellucid.cli import snakemake

    command = snakemake.command(["--report", str(file), "--cores", "1"])
    snakemake.tell(command)
    os.execv(command[0], command)
