"""`pellucid ui`: the record of all runs in MLflow."""

from __future__ import annotations

import os
import sys

import click


@click.command(short_help="Open the record of all runs.")
@click.option("--port", default=5000, show_default=True, help="The first port to try.")
def ui(port: int) -> None:
    """Open the record of all runs: MLflow's pages on this machine."""
    os.execv(sys.executable, [sys.executable, "-m", "pellucid.tracking.ui", "--port", str(port)])
