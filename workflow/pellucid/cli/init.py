"""`pellucid init`: begin your own study in a new folder, without a clone of the project."""

from __future__ import annotations

from pathlib import Path

import click

from pellucid.errors import InputError

SNAKEFILE = """\
# Pellucid's workflow, as it is installed. You can add your own rules below.
from pellucid.places import SNAKEFILE
include: SNAKEFILE
"""
CONFIG = """\
# yaml-language-server: $schema={schema}
# `pellucid list data`, `models` and `methods` show the possible values; `pellucid check` checks this file.
run: [my_study]
experiments:
  my_study:
    title: Handwritten digits, 8 × 8 pixels
    # Your own data: {{source: table, file: beats.csv, label: label}}, or {{source: images, folder: photographs}}
    dataset: {{source: digits}}
    model: {{architecture: digit_cnn}}
    training: {{epochs: 15, batch_size: 64}}
    examples: {{per_class: 2}}
    methods: [saliency, grad_cam, occlusion: {{window: 3}}]
    # methods: basic would run the set of methods that the reference names basic.
    views: none
    scores: none
"""


@click.command(short_help="Begin your own study.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Begin your own study in FOLDER: write a Snakefile, a config.yaml to edit, and a profile for Snakemake.

    The example in config.yaml can be run without changes.
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
        raise InputError(
            str(folder / present[0]), "it exists already.", "Name another folder: init does not overwrite files."
        )
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
