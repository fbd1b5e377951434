"""`pellucid run`: Snakemake in the folder of a study."""

from __future__ import annotations

import os

import click


@click.command(
    short_help="Run the study of this folder.", context_settings={"ignore_unknown_options": True}, add_help_option=False
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def run(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Run the study of the current folder: snakemake, on all cores.

    All arguments go to Snakemake unchanged: -n lists what would run, --cores 2 uses two cores, --config
    'run=[digits]' runs another experiment, and the path of a file makes that file alone. `snakemake --help` lists all
    options.
    """
    from pellucid.cli import snakemake

    if arguments in (("-h",), ("--help",)):
        click.echo(context.get_help())
        return
    command = snakemake.command(arguments)
    snakemake.tell(command)
    os.execv(command[0], command)
