"""`pellucid check`: check configuration files, and run nothing."""

from __future__ import annotations

import sys

import click


@click.command(short_help="Check configuration files.")
@click.argument("files", nargs=-1, metavar="[CONFIG]...", type=click.Path(exists=True, dir_okay=False))
def check(files: tuple[str, ...]) -> None:
    """Check configuration files, and run nothing.

    Each CONFIG is merged over the config.yaml of the current folder, as snakemake --configfile does.
    """
    from pellucid.config import check as checking

    sys.exit(checking.main(files))
