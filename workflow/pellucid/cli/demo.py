"""`pellucid demo`: run a small example, one experiment with five methods."""

from __future__ import annotations

import shutil
import subprocess
import sys
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
    methods: [{methods}]
    views: none
    scores: none
"""
METHODS = ("grad_cam", "occlusion", "saliency", "integrated_gradients", "smoothgrad")
_RESULTS = "results/heartbeats"
# Only what is printed is made; plain `snakemake` in the folder makes the rest, such as the record in MLflow.
_DATA, _MODEL = f"{_RESULTS}/data/examples.png", f"{_RESULTS}/evaluation/confusion_matrix.png"
FIGURES = [f"{_RESULTS}/explain/{method}/{method}.png" for method in METHODS]


@click.command(short_help="Run a small example.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("pellucid_demo"))
@click.option("--cores", default="all", show_default=True, help="How many jobs run at the same time.")
def demo(folder: Path, cores: str) -> None:
    """Run a small example in FOLDER: one experiment, explained by five methods.

    FOLDER is pellucid_demo if it is left out. It holds a study, as `pellucid init` writes it.
    """
    from pellucid.cli import snakemake
    from pellucid.cli.init import begin

    if not (folder / "config.yaml").exists():
        begin(folder, CONFIG.replace("{methods}", ", ".join(METHODS)))
    arguments = ["--directory", str(folder), "--snakefile", str(folder / "Snakefile"), "--cores", cores]
    command = snakemake.command([*arguments, *FIGURES, _DATA, _MODEL])
    snakemake.tell(command)
    started = time.monotonic()
    if subprocess.run(command, check=False).returncode:
        raise click.ClickException(f"the run failed. Read its logs in {folder}/results/heartbeats/logs.")
    click.echo(f"\n{time.monotonic() - started:.0f} s. What the network looks at:")
    for figure in FIGURES:
        click.echo(f"  {folder / figure}")
    click.echo(f"The data: {folder / _DATA}\nHow good the model is: {folder / _MODEL}")
    activate = "" if shutil.which("snakemake") else f"source {Path(sys.prefix) / 'bin' / 'activate'}; "
    click.echo(f"Change {folder}/config.yaml and run it again: {activate}cd {folder}; snakemake --cores 4")
