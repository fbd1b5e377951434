"""The command `pellucid` and its subcommands.

Each subcommand imports what it needs when it runs, so that `pellucid --help` is fast.
"""

from __future__ import annotations

from typing import Any

import click

import pellucid
from pellucid.cli.check import check
from pellucid.cli.completion import completion
from pellucid.cli.demo import demo
from pellucid.cli.explain import explain
from pellucid.cli.init import init
from pellucid.cli.listing import listing
from pellucid.cli.report import report
from pellucid.cli.run import run
from pellucid.cli.ui import ui
from pellucid.errors import InputError


class _Commands(click.Group):
    """The subcommands in the order in which a user needs them; bad input ends with its message alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(pellucid.__version__, prog_name="pellucid")
def main() -> None:
    """Train convolutional networks on signals and images, and explain what they look at.

    A study is a folder with a Snakefile and a config.yaml. You can also run plain snakemake there.
    """


for command in (demo, init, run, explain, check, listing, ui, report, completion):
    main.add_command(command)

if __name__ == "__main__":
    main()
