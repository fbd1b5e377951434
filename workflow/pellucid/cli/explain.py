"""`pellucid explain`: explain examples by a trained model, without the workflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

# Those of `pellucid.tasks`, which would load NumPy before the help is shown.
_TASKS = ("single_label", "multi_label", "regression")


def _complete_method(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from pellucid.cli.listing import complete

    return complete("explain", incomplete)


@click.command(short_help="Explain a trained model on some examples.")
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-m",
    "--method",
    "methods",
    multiple=True,
    default=("grad_cam", "saliency"),
    show_default=True,
    metavar="NAME[:KEY=VALUE,...]",
    shell_complete=_complete_method,
    help="A method, perhaps with parameters: occlusion:window=9,stride=3. May be repeated.",
)
@click.option(
    "--target",
    default="predicted",
    show_default=True,
    help="What to explain: predicted, label (the true class), or the name or number of a class, label or value.",
)
@click.option("--minus", default="", metavar="NAME", help="Explain the target minus this output: why A, and not B.")
@click.option(
    "--task",
    type=click.Choice(_TASKS),
    default=_TASKS[0],
    show_default=True,
    help="What the model was trained for: one class of several, any number of labels, or measured values.",
)
@click.option(
    "--classes", default="", metavar="A,B,...", help="The names of the classes (labels, values), as the outputs."
)
@click.option(
    "--label", default="", metavar="COLUMN", help="The column of a CSV file that holds the classes (or the value)."
)
@click.option(
    "--input",
    "explained",
    default="",
    metavar="NAME",
    help="Of a model with several inputs, the one to explain; DATA is an .npz with an array for each, by name.",
)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("explanations"))
@click.option("--code", default=None, metavar="MODULE", help="The Python module (name or file) that registers layers.")
@click.option(
    "--steps",
    default=None,
    metavar="last|T|A:B",
    help="Of a model with scores at every time step: the step to explain (from 0), or a window from A to before B.",
)
@click.option("--allow-code", is_flag=True, help="Run code in the model's file: only if you trust its author.")
def explain(
    model: Path,
    data: Path,
    methods: tuple[str, ...],
    target: str,
    minus: str,
    task: str,
    classes: str,
    label: str,
    explained: str,
    output: Path,
    code: str | None,
    steps: str | None,
    allow_code: bool,
) -> None:
    """Explain what MODEL looks at in the examples of DATA: write a figure and a file of arrays for each method.

    MODEL is a .keras file or the folder of a SavedModel. DATA holds examples as the model takes them: a .npy file (N,
    time, channels) or (N, height, width, channels), an .npz file with these as x and perhaps the classes (rows of
    labels, values) as y, or a CSV file with a series of one channel in each row. A model with several inputs takes an
    .npz with an array for each under its name: --input says which one is explained, and the others keep the values of
    each example.
    """
    from pellucid.cli.examples import read

    chosen = _chosen(methods)
    x, y = read(data, label, explained)
    class_names = [word.strip() for word in classes.split(",")] if classes else None
    import pellucid

    for name, parameters in chosen.items():
        explanation = pellucid.explain(
            str(model),
            x,
            name,
            input=explained or None,
            y=y,
            task=task,
            target=_target(target, minus, class_names or ()),
            class_names=class_names,
            allow_code=allow_code,
            code=code,
            at_steps=_steps(steps),
            **parameters,
        )
        for suffix in (".png", ".npz"):
            explanation.save(output / f"{name}{suffix}")
        click.echo(f"{output / name}.png  (arrays: {output / name}.npz)")


def _target(target: str, minus: str, names: Sequence[str]) -> Any:
    """Return what to explain, as `pellucid.explain` takes it."""

    def output(word: str) -> str | int:
        # A class may be called "1" and be another than the one of this number: names go first.
        return int(word) if word.isdecimal() and word not in names else word

    return {"why": output(target), "not": output(minus)} if minus else output(target)


def _steps(written: str | None) -> Any:
    """Return the steps as `pellucid.explain` takes them: "last", a position, or a window.

    Raises:
        InputError: another text.
    """
    from pellucid.errors import InputError

    if written is None or written == "last":
        return written
    parts = written.split(":")
    if len(parts) > 2 or not all(part.strip().isdecimal() for part in parts):
        raise InputError.unexpected("--steps", f'"{written}"', "last, a position from 0 such as 12, or 20:40")
    numbers = [int(part) for part in parts]
    return numbers[0] if len(numbers) == 1 else numbers


def _chosen(methods: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each method, by name.

    Raises:
        InputError: a method stands twice: its files would be written over.
    """
    from pellucid.errors import InputError

    chosen = [_method(text) for text in methods]
    names = [name for name, _ in chosen]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise InputError("--method", f'found "{repeated}" twice.', "Run it twice, with another --output.")
    return dict(chosen)


def _method(text: str) -> tuple[str, dict[str, Any]]:
    """Return a method's name and its parameters, which are read as YAML."""
    import yaml

    from pellucid.errors import InputError

    name, _, written = text.partition(":")
    try:
        parameters = yaml.safe_load(f"{{{written.replace('=', ': ')}}}")
    except yaml.YAMLError:
        parameters = {"": None}
    if None in parameters.values():
        raise InputError("--method", f'found "{text}".', "Write parameters as occlusion:window=9,stride=3.")
    return name, parameters
