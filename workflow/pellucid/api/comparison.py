"""What `pellucid.compare` returns: the leaderboard of some methods on the same examples, with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from pellucid import plugins, tables
from pellucid.api.explained_targets import count
from pellucid.api.explanation import Explanation, facts_html, figure_html, fitted
from pellucid.compare import checks, leaderboard
from pellucid.config.variants import TIME, method_of
from pellucid.draw.shared.families import FAMILIES
from pellucid.explain.base import holds
from pellucid.messages import counted
from pellucid.score import run as scoring

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Written after a metric's name: which values are better.
_ARROWS = {"higher": " ↑", "lower": " ↓", "neither": ""}


@dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """The explanations of the same examples by several methods, with their scores.

    Attributes:
        leaderboard: a row for each method, the best first: family, mean rank, failed checks, and of each metric the
            mean, the ends of its 95% interval, the number of examples and the rank.
        metrics: a row for each metric: score, family, title, and which direction is better.
        scores: the table of each score, by its name: over all examples and for each class.
        by_example: the values of each example, by "<score>/<method>/<metric>".
        checks: a row for each method and check.
        explanations: by method.
    """

    leaderboard: pd.DataFrame
    metrics: pd.DataFrame
    scores: Mapping[str, pd.DataFrame]
    by_example: Mapping[str, NDArray[Any]]
    checks: pd.DataFrame
    explanations: Mapping[str, Explanation]

    def plot(self) -> Figure:
        """Return the workflow's overview: one example of each class through all methods."""
        from pellucid.draw import overview, style

        first = next(iter(self.explanations.values()))
        measured = first.arrays.get("measured")
        rows = [
            overview.Row(
                label,
                family,
                holds(plugins.spec("explain", label).signed, explanation.parameters),
                style.unmeasured_as_nan(explanation.arrays["attributions"][0], measured),
            )
            for family in FAMILIES
            for label, explanation in self.explanations.items()
            # Maps over frequencies have other axes than the examples.
            if plugins.spec("explain", method_of(label)).family == family and explanation.domain == TIME
        ]
        failed = set(self.checks.loc[~self.checks["passed"], "explanation"])
        title = str(first.data_info["title"] or counted(len(first.targets), "example"))
        with style.styled():
            figure = overview.figure(title, style.shown(first.data_info), rows, dict(first.arrays), failed)
        return fitted(figure)

    def plot_leaderboard(self) -> Figure:
        """Return the workflow's figure of the leaderboard: the darker, the better the rank in the column."""
        from pellucid.draw import leaderboard as drawing
        from pellucid.draw import style

        first = next(iter(self.explanations.values()))
        title = str(first.data_info["title"] or counted(len(first.targets), "example"))
        with style.styled():
            figure = drawing.ranking_figure(self.leaderboard, self.metrics, title)
        return fitted(figure)

    def __repr__(self) -> str:
        methods, scores = ", ".join(self.leaderboard.index), ", ".join(self.scores)
        return f"<Comparison of {methods} by {scores}>"

    def _repr_html_(self) -> str:
        """Return the leaderboard's headline columns and the overview for a notebook."""
        first = next(iter(self.explanations.values()))
        facts = {
            "examples": f"{len(first.targets)}, of which {count(first.targets, first.task)} are explained",
            "scores": "; ".join(f"{name}: {plugins.spec('score', name).title}" for name in self.scores),
            "read it as": "means over the examples, ↑ higher or ↓ lower is better; mean rank: 1 is best",
        }
        table = self._headline().to_html(float_format="{:.3g}".format, na_rep="–", index_names=False)
        overview = figure_html(self.plot(), "one example of each class through all methods")
        return f"{facts_html(facts)}{table}{overview}"

    def _headline(self) -> pd.DataFrame:
        """Return the leaderboard with the mean of each score's first metric alone."""
        columns = {}
        for row in self.metrics[self.metrics["first"]].itertuples():
            variant = f" ({row.variant})" if isinstance(row.variant, str) and row.variant else ""
            columns[f"{row.metric} mean"] = f"{row.title}{variant}{_ARROWS[row.better]}"
        return self.leaderboard[["family", "mean rank", *columns, "failed checks"]].rename(columns=columns)


def compared(
    explanations: Mapping[str, Explanation], scores: Mapping[str, Mapping[str, Any]], **context: Any
) -> Comparison:
    """Score explanations of the same examples, and rank them.

    Args:
        explanations: by method.
        scores: parameters of the scores, by name.
        context: further fields of the `ScoreContext` that scores get.
    """
    first = next(iter(explanations.values()))
    cache: dict[Any, Any] = {}
    pairs = [explanation.scored(cache=cache, **context) for explanation in explanations.values()]
    by_score, values = {}, dict[str, NDArray[Any]]()
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.csv" for name in scores}
        for name, parameters in scores.items():
            by_score[name], arrays = scoring.scored(name, parameters, pairs, first.seed)
            values |= {f"{name}/{key}": array for key, array in arrays.items()}
            tables.write(paths[name], by_score[name])
        checked = checks.checked(pairs, paths.get("parameter_randomisation"), gradients=not first.opaque)
        of_checks, board, metrics = (Path(folder) / f"{name}.of.csv" for name in ("checks", "leaderboard", "metrics"))
        tables.write(of_checks, checked)
        leaderboard.run(scores=paths, checks=of_checks, table=board, metrics=metrics)
        content, metric_facts = tables.read(board, index="explanation"), tables.read(metrics)
    content["failed checks"] = content["failed checks"].fillna("")
    return Comparison(content, metric_facts, by_score, values, checked, explanations)
