"""`pellucid demo`: one experiment and five methods, in a minute."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import click

CONFIG = """\
# yaml-language-server: $schema={schema}
# What `pellucid demo` runs. Change something, and run `snakemake --cores 4` in this folder.
run: [heartbeats]
experiments:
  heartbeats:
    title: Simulated heartbeats of five classes, with the evidence for each class known
    dataset: {{source: synthetic_ecg}}
    model: {{architecture: heartbeat_cnn, batch_norm_momentum: 0.9}}
    training: {{epochs: 8, batch_size: 32}}
    methods: [grad_cam, occlusion, saliency, integrated_gradients, smoothgrad]
    views: none
    scores: none
"""
# The record in MLflow is left out: it takes longer than the figures.
TARGET = "results"


@click.command(short_help="Show what comes out, in a minute.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("pellucid_demo"))
@click.option("--cores", default="all", show_default=True, help="How many jobs run at a time.")
def demo(folder: Path, cores: str) -> None:
    """Show in a minute what comes out: one experiment, explained by five methods, in FOLDER.

    FOLDER is pellucid_demo if it is left out. It holds a study, as `pellucid init` writes it.
    """
    from pellucid.cli import snakemake
    from pellucid.cli.init import begin

    if not (folder / "config.yaml").exists():
        begin(folder, CONFIG)
    arguments = ["--directory", str(folder), "--snakefile", str(folder / "Snakefile"), "--cores", cores, TARGET]
    command = snakemake.command(arguments)
    snakemake.tell(command)
    started = time.monotonic()
    if subprocess.run(command, check=False).returncode:
        raise click.ClickException(f"the run failed; its logs are in {folder}/results/heartbeats/logs.")
    results = folder / "results" / "heartbeats"
    figures = sorted(results.glob("explain/*/*.png"))
    click.echo(f"\n{time.monotonic() - started:.0f} s. What the network looks at:")
    for figure in figures:
        click.echo(f"  {figure}")
    click.echo(
        f"The data: {results}/data/examples.png. How good the model is: {results}/evaluation/confusion_matrix.png"
    )
    click.echo(f"Change {folder}/config.yaml and run it again: cd {folder}; snakemake --cores 4")
