"""`pellucid completion`: the script by which a shell completes the command."""

from __future__ import annotations

import click


@click.command(short_help="Print the completion of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a SHELL completes subcommands, options and names.

    \b
    bash:  echo 'eval "$(pellucid completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(pellucid completion zsh)"' >> ~/.zshrc
    fish:  pellucid completion fish > ~/.config/fish/completions/pellucid.fish
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(context.find_root().command, {}, "pellucid", "_PELLUCID_COMPLETE").source())
