"""How the subcommands start Snakemake."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pellucid.errors import InputError
from pellucid.places import SNAKEFILE

# Snakemake finds a Snakefile under these names.
_NAMES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
_CORES = ("-c", "--cores", "-j", "--jobs", "-n", "--dry-run", "--dryrun", "--profile", "--unlock", "--lint")


def command(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs the study of the current folder.

    Args:
        arguments: of Snakemake. If they name no cores, all are used; if the folder has a config.yaml and no
            Snakefile, the installed Snakefile is used.

    Raises:
        InputError: the folder holds no study.
    """
    named = [argument for argument in arguments if argument.startswith(("-s", "--snakefile"))]
    added: list[str] = []
    if not named and not any(Path(name).is_file() for name in _NAMES):
        if not Path("config.yaml").is_file():
            raise InputError(
                str(Path.cwd()),
                "it has neither a Snakefile nor a config.yaml.",
                "`pellucid init .` writes both; `pellucid demo` runs an example.",
            )
        added += ["--snakefile", str(SNAKEFILE)]
    if not any(argument.startswith(_CORES) for argument in arguments):
        added += ["--cores", "all"]
    return [sys.executable, "-m", "snakemake", *added, *arguments]


def tell(command: Sequence[str]) -> None:
    """Print a command as a user would type it."""
    click.echo(f"+ snakemake {shlex.join(command[3:])}", err=True)
