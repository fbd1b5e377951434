"""`pellucid init`: a study of one's own in a new folder, which needs no clone of the project."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.errors import InputError

SNAKEFILE = """\
# Pellucid's workflow, as it is installed. Rules of your own may follow.
from pellucid.places import SNAKEFILE
include: SNAKEFILE
"""
CONFIG = """\
# yaml-language-server: $schema={schema}
# `pellucid list data`, `models` and `methods` say what may stand here; `pellucid check` checks it.
run: [my_study]
experiments:
  my_study:
    title: Handwritten digits, 8 × 8 pixels
    # Data of yours: {{source: table, file: beats.csv, label: label}}, or {{source: images, folder: photographs}}
    dataset: {{source: digits}}
    model: {{architecture: digit_cnn}}
    training: {{epochs: 15, batch_size: 64}}
    examples: {{per_class: 2}}
    methods: [saliency, grad_cam, occlusion: {{window: 3}}]
    # `basic` runs all that the reference calls so.
    views: none
    scores: none
"""


@click.command(short_help="Begin a study of your own.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Begin a study of your own in FOLDER: a Snakefile, a config.yaml to edit, and a profile of Snakemake.

    The example in it runs as it is.
    """
    begin(folder, CONFIG)
    place = "" if folder.resolve() == Path.cwd() else f"cd {folder}\n  "
    click.echo(
        f"{folder} holds a study. Edit {folder / 'config.yaml'}, or run it as it is:\n"
        f"  {place}snakemake --cores 4\n"
        "Its figures will lie in results/my_study/explain/."
    )


def begin(folder: Path, config: str) -> None:
    """Write the files of a study.

    Args:
        folder: is made where it does not exist.
        config: the text of config.yaml, with {schema} where the path of its schema belongs.

    Raises:
        InputError: one of the files exists.
    """
    from pellucid.places import PROFILE, SCHEMA

    contents = {
        "Snakefile": SNAKEFILE,
        "config.yaml": config.format(schema=SCHEMA),
        "profiles/default/profile.yaml": PROFILE.read_text(encoding="utf-8"),
    }
    present = [name for name in contents if (folder / name).exists()]
    if present:
        raise InputError(str(folder / present[0]), "it exists.", "Name another folder: init overwrites nothing.")
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
