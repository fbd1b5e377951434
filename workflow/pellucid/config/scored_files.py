"""The files of the examples that scores and checks judge: those that are shown, or those that are measured."""

from __future__ import annotations

from typing import Any

from pellucid.config import summary_files
from pellucid.config.experiment_files import RESULTS, TargetError, explanations, names, results, setting
from pellucid.config.resolution import Config
from pellucid.config.shown_examples import SHOWN

# Which of the measured examples are scored.
SCORED = f"{RESULTS}/score/examples.npz"


def are_measured(config: Config, experiment: str) -> bool:
    """Return whether the measured examples are scored, and not the shown ones."""
    return bool(setting(config, experiment, "examples")["scored"] != SHOWN)


def number(config: Config, experiment: str) -> int | str:
    """Return how many of the measured examples of each class are scored, or "all".

    Raises:
        TargetError: the experiment scores the shown examples.
    """
    if not are_measured(config, experiment):
        raise TargetError(
            f"results/{experiment}/score/examples.npz is asked for, but the examples that are shown are scored: found "
            "examples.scored shown; expected measured, or a number of examples of each class."
        )
    scored = setting(config, experiment, "examples")["scored"]
    return scored if isinstance(scored, int) else "all"


def examples(config: Config, experiment: str) -> str:
    """Return the file that says which examples the scores judge, and in which order."""
    is_measured = are_measured(config, experiment)
    return SCORED.format(experiment=experiment) if is_measured else f"{results(experiment)}/examples.npz"


def explained(config: Config, experiment: str) -> dict[str, Any]:
    """Return the files of the explanations that are scored, by the name of the rule's input.

    They are what `score.shared.explanations.files_of` takes: of the shown examples a file of each method, of the
    measured ones those of all parts.
    """
    if not are_measured(config, experiment):
        return dict(explanations(config, experiment, "attributions", "cost", "checks"))
    methods, here = names(config, experiment, "methods"), results(experiment)
    maps = [path for method in methods for path in summary_files.part_files(config, experiment, method)]
    return {
        "maps": maps,
        "facts": [f"{path.removesuffix('npy')}json" for path in maps],
        "measured": summary_files.EXAMPLES.format(experiment=experiment),
        "scored": examples(config, experiment),
        "x": f"{here}/data/x_test.npy",
        "truth": f"{here}/data/truth.npz",
        "filled": f"{here}/data/measured.npz",
    }


def compared(config: Config, experiment: str) -> dict[str, Any]:
    """Return the files of the explanations whose agreement is measured: of the scored examples, without their costs."""
    if not are_measured(config, experiment):
        return dict(explanations(config, experiment, "attributions"))
    needed = ("maps", "measured", "scored", "filled")
    return {name: paths for name, paths in explained(config, experiment).items() if name in needed}


def words(config: Config, experiment: str) -> str:
    """Return which examples are scored, as a figure says it; "" for those that are shown."""
    return "measured examples" if are_measured(config, experiment) else ""
