"""Checks that a method must pass before its maps are trusted; each compares a measured number with a limit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import devices, plugins, seeds, tables
from pellucid.config.variants import TIME
from pellucid.explain.shared import domains, flat_maps, held_examples
from pellucid.messages import numbers_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.explanations import Explained, loaded

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# Of the table of checks, beside the explanation.
COLUMNS = ["check", "value", "sign", "limit", "passed", "examples"]
# Largest rank correlation of the maps of the trained model and of the fully randomised one. Adebayo et al. 2018 give no
# limit; this one is ours.
RANDOMISED = 0.5
# Largest share of examples whose map is the same everywhere. A class activation map without its negative part is zero
# for some examples; a method that says nothing of most of them explains nothing.
FLAT = 0.5
_NOISE = 4  # inputs that coverage is measured on


def run(
    *,
    methods: Mapping[str, Mapping[str, Any]],
    explained: Explained,
    data_info: Path | str,
    model: Path | str,
    training: Path | str,
    randomised: Path | str | None,
    seed: int,
    threads: int,
    memory_mb: int,
    table: Path | str,
) -> None:
    """Check every variant of every method.

    Args:
        methods: parameters of the methods, by name.
        explained: the files of each method, or of the measured examples.
        data_info: `data.json`.
        model: `model.keras`.
        training: `x_train.npy`.
        randomised: the table of the score parameter_randomisation; None without that score.
        seed: of the experiment.
        threads, memory_mb: for the model.
        table: CSV; gets a row for each explanation and check: value, sign and limit ("a value > limit fails"), passed;
            `examples` names the test examples whose map is flat.
    """
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    explanations = loaded(
        methods, explained, data_info, model=explained_model, training=training, labels=None, seed=seed
    )
    tables.write(table, checked(explanations, randomised))


def checked(
    explanations: Iterable[tuple[Explanation, ScoreContext]], randomised: Path | str | None, *, gradients: bool = True
) -> pd.DataFrame:
    """Check explanations; return the table that `run` writes.

    Args:
        explanations: each with its context.
        randomised: as for `run`.
        gradients: as for `measured`.
    """
    import pandas as pd

    similarity = _similarity_at_end(randomised)
    rows = []
    for explanation, case in explanations:
        rows += [(explanation.label, *check) for check in measured(explanation, case, gradients=gradients)]
        if explanation.label in similarity:
            value = similarity[explanation.label]
            rows.append((explanation.label, "sanity", value, ">", RANDOMISED, value <= RANDOMISED, ""))
    content = pd.DataFrame(rows, columns=["explanation", *COLUMNS])
    failed = content[~content["passed"]]
    logger.info("%d of %d checks passed", len(content) - len(failed), len(content))
    for row in failed.itertuples():
        logger.warning("%s fails %s: %.3g %s %g", row.explanation, row.check, row.value, row.sign, row.limit)
    return content


def measured(
    explanation: Explanation, case: ScoreContext, *, gradients: bool = True
) -> Iterator[tuple[str, float, str, float, bool, str]]:
    """Yield the checks of one explanation (`COLUMNS`): name, value, sign, limit, passed, the numbers of examples.

    Args:
        explanation, case: from `loaded`.
        gradients: whether the model has gradients, which coverage is measured by.
    """
    declared = plugins.spec("explain", explanation.method).checks
    # They belong to the device: a card rounds otherwise.
    limits = devices.limits()
    if "completeness" in declared:
        share = explanation.checks["completeness_residual_share"]
        yield "completeness", share, ">", limits.completeness, share <= limits.completeness, ""
    if "coverage" in declared and gradients:
        seen = coverage(explanation, case)
        if seen is None:
            logger.warning("%s: coverage is not checked, since random inputs have no gradient", explanation.label)
        else:
            yield "coverage", seen, "<", 1.0, seen >= 1, ""
    change = batch_independence(explanation, case)
    yield "batch", change, ">", limits.batch, change <= limits.batch, ""
    flat = flat_maps.are_flat(explanation.attributions, case.measured if explanation.domain == TIME else None)
    numbers = np.flatnonzero(flat) if case.indices is None else case.indices[flat]
    yield "flat", float(flat.mean()), ">", FLAT, bool(flat.mean() <= FLAT), numbers_list(numbers)


def coverage(explanation: Explanation, case: ScoreContext) -> float | None:
    """Return the share of the input values with a gradient that get an attribution in at least one of a few inputs.

    The inputs are noise, since real values may equal the baseline in all examples, as in the padding of a beat. Values
    without a gradient do not count: pooling may leave out the last sample. None if no value has a gradient. Held inputs
    have the values of the first example.
    """
    assert explanation.re_explain is not None
    assert case.model is not None
    low, high = case.inputs.min(), case.inputs.max()
    rng = seeds.generator(case.seed, "coverage")
    noise = rng.uniform(low, high, (_NOISE, *case.inputs.shape[1:])).astype(np.float32)
    targets = np.arange(_NOISE) % case.model.n_classes
    if case.others:
        next(held_examples.each(case.model, case.others, len(case.inputs)))
    gradient = case.model.gradient(noise, targets)
    if explanation.domain != TIME:
        parameters = explanation.cost["parameters"]
        space = domains.opened(case.model, noise.shape[1:], **domains.chosen(parameters))
        assert space.transform is not None
        gradient = space.sizes(space.transform.adjoint(gradient))
    seen = (gradient != 0).any(0)
    return float((explanation.re_explain(noise, targets) != 0).any(0)[seen].mean()) if seen.any() else None


def batch_independence(explanation: Explanation, case: ScoreContext) -> float:
    """Return the change of the attributions in a smaller batch of another order, as a share of the largest one."""
    assert explanation.re_explain is not None
    some = np.arange(min(len(case.inputs), 3))[::-1]
    before: NDArray[np.float32] = explanation.attributions[some]
    if case.others:
        after = before.copy()
        for rows in held_examples.each(case.model, case.others, len(some)):
            row = np.array([rows.start])
            one = explanation.re_explain(case.inputs[row], case.targets[row], **case.explained_as(row))
            after[some == rows.start] = one
    else:
        after = explanation.re_explain(case.inputs[some], case.targets[some], **case.explained_as(some))
    return float(np.abs(after - before).max() / max(np.abs(before).max(), np.finfo(np.float32).tiny))


def _similarity_at_end(table: Path | str | None) -> dict[str, float]:
    """Return the rank correlation at the end of the randomisation, by explanation."""
    if table is None:
        return {}
    rows = tables.over_all(tables.read(table))
    rows = rows[rows["metric"] == "parameter_rank_correlation.end"].dropna(subset=["mean"])
    return dict(zip(rows["explanation"], rows["mean"], strict=True))
