"""What `pellucid.explain` returns: the attributions, what was explained, the checks, the workflow's figure and file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import plugins
from pellucid.api.opening import OpenedModel
from pellucid.api.saving import save_arrays_or_figure
from pellucid.api.session import no_advice_on_tracing
from pellucid.compare.checks import COLUMNS, measured
from pellucid.config.variants import domain_of, in_words
from pellucid.data_info import DataInfo
from pellucid.errors import InputError
from pellucid.explain.base import holds, unit_of
from pellucid.explain.shared import stored_maps
from pellucid.messages import abbreviate, counted, format_shape
from pellucid.score.base import Explanation as Scored
from pellucid.score.base import ScoreContext
from pellucid.score.shared.explanations import re_explain
from pellucid.targets import name as name_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False, eq=False)
class Explanation:
    """Attributions of some examples by one method.

    Attributes:
        attributions: float32, of the shape of x: the attribution of every input value, in the method's unit (`unit`).
            In another domain than time, (N, frequencies, channels), (N, frequencies, frames, channels) of short frames,
            or (N, bands, channels), whatever the order of the axes of x; see `axes`.
        method: its name; `variant` is the same.
        parameters: all of the method's parameters, with their defaults.
        targets: (N,) what is explained of each example: the number of a class, label or value; of a contrast, a code
            that `pellucid.targets.split` takes apart (`explained` has the names).
        predictions: (N,) the predicted class of each example; of several labels whether the explained one is predicted,
            1 or 0; of a regression the predicted value.
        probabilities: (N, outputs); None for a regression.
        labels: (N,) the true classes, or (N, outputs) labels or values; None if the caller did not pass them.
        class_names: of all classes, labels or values.
        cost: seconds, forward and backward passes through the model.
        data_info: the facts of the data, as the workflow's `data.json` holds them.
        arrays: the content of the workflow's `attributions.npz`.
    """

    attributions: NDArray[np.float32]
    method: str
    parameters: Mapping[str, Any]
    targets: NDArray[np.int64]
    predictions: NDArray[Any]
    probabilities: NDArray[np.float64] | None
    labels: NDArray[Any] | None
    cost: Mapping[str, Any]
    data_info: DataInfo
    arrays: Mapping[str, NDArray[Any]]
    seed: int
    _opened: OpenedModel = field(repr=False)
    _residuals: Mapping[str, float] = field(repr=False)
    _training: NDArray[np.float32] | None = field(repr=False)

    @property
    def variant(self) -> str:
        """The label of the method with its parameters, as in the workflow's files."""
        return self.method

    @property
    def unit(self) -> str:
        """The unit of the attributions."""
        from pellucid.draw.shared import task_heading

        return task_heading.of_unit(
            unit_of(plugins.spec("explain", self.method), self.parameters), self.task, self.arrays
        )

    @property
    def domain(self) -> str:
        """What the attributions are over: time (or the pixels of images), frequency, stft or bands."""
        return domain_of(self.parameters)

    @property
    def axes(self) -> dict[str, NDArray[Any]]:
        """What the axes of attributions in another domain than time stand for; {} in time.

        `frequencies`, or of bands their `edges`, and of short frames the `times` of their centres; in Hz and seconds,
        or without a sampling rate (`rate` 0) in cycles per sample and samples.
        """
        other = stored_maps.domain_map(self.arrays, self.variant)
        return dict(other.facts) if other else {}

    @property
    def task(self) -> str:
        """What the model was trained for: single_label, multi_label or regression."""
        return self._opened.explained.task

    @property
    def explained(self) -> list[str]:
        """What is explained of each example, by name: "MI", or "MI, not NORM"."""
        return [name_of(int(target), self.class_names) for target in self.targets]

    @property
    def class_names(self) -> list[str]:
        """The names of all classes, labels or values."""
        return list(self.data_info["classes"])

    @property
    def opaque(self) -> bool:
        """Whether only the outputs of the model are known."""
        return self._opened.opaque

    @cached_property
    def checks(self) -> pd.DataFrame:
        """The checks of the method's promises: a row for each, with its value, its limit and whether it was passed.

        Completeness (the attributions sum to the change of the score), coverage (every value that the score depends on
        can get an attribution), batch (an attribution does not depend on the other examples), flat (the map of at most
        half of the examples is the same everywhere; `examples` has their numbers). The first use explains a few
        examples again.
        """
        import pandas as pd

        with no_advice_on_tracing():
            rows = list(measured(*self.scored(), gradients=not self.opaque))
        return pd.DataFrame(rows, columns=COLUMNS)

    def scored(self, **context: Any) -> tuple[Scored, ScoreContext]:
        """Return this explanation as the workflow's checks and scores take it.

        Args:
            context: further fields of the `ScoreContext`.
        """
        declared, arrays = plugins.spec("explain", self.method), self.arrays
        case = ScoreContext(
            data_info=self.data_info,
            inputs=arrays["inputs"],
            targets=self.targets,
            labels=arrays["labels"],
            model=self._opened.explained,
            training=self._training,
            seed=self.seed,
            measured=arrays.get("measured"),
            others=self._opened.others,
            **context,
        )
        scored = Scored(
            label=self.variant,
            method=self.method,
            attributions=stored_maps.maps_of(arrays, self.variant)[0],
            per_channel=holds(declared.per_channel, self.parameters),
            signed=holds(declared.signed, self.parameters),
            is_gradient=holds(declared.is_gradient, self.parameters),
            cost=self.cost,
            checks=self._residuals,
            re_explain=partial(re_explain, self.method, self.variant, self.parameters, case),
            domain=self.domain,
        )
        return scored, case

    def plot(self, examples: Sequence[int] | None = None) -> Figure:
        """Return the workflow's figure of these attributions: up to 4 examples of each class, up to 20 classes.

        Args:
            examples: the numbers of the examples to choose from; all if left out.

        Raises:
            InputError: an example has no such number.
        """
        from pellucid.draw import explanation, style

        figure = explanation.figure(
            self.method,
            self.parameters,
            self.variant,
            self._arrays_of(examples),
            style.shown(self.data_info),
            title=str(self.data_info["title"]),
        )
        return fitted(figure)

    def _arrays_of(self, examples: Sequence[int] | None) -> dict[str, NDArray[Any]]:
        """Return the content of `attributions.npz` for some examples."""
        if examples is None:
            return dict(self.arrays)
        chosen, n = np.asarray(examples), len(self.targets)
        if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu" or not np.isin(chosen, range(n)).all():
            raise InputError.unexpected("examples", abbreviate(examples), f"a list of numbers from 0 to {n - 1}")
        # The first axis of these is that of the variants.
        of_variants = ("attributions", "unmeasured_sum", "unmeasured_share")
        whole = {"variants", stored_maps.NAMES, "steps", f"{self.variant}/domain"}
        whole |= {f"{self.variant}/{name}" for name in self.axes}
        arrays = {name: array[:, chosen] if name in of_variants else array for name, array in self.arrays.items()}
        return {name: array if name in (*of_variants, *whole) else array[chosen] for name, array in arrays.items()}

    def save(self, path: Path | str) -> None:
        """Write the arrays as the workflow's `attributions.npz`, or the figure as .png, .svg or .pdf.

        Args:
            path: its suffix chooses the format; missing folders are made.

        Raises:
            InputError: another suffix.
        """
        save_arrays_or_figure(path, self.arrays, self.plot)

    def __repr__(self) -> str:
        examples = counted(len(self.targets), "example")
        return f"<Explanation by {self.method} of {examples}, {self._facts()['attributions']}>"

    def _facts(self) -> dict[str, str]:
        """Return the facts of these attributions in words."""
        spec = plugins.spec("explain", self.method)
        passes = f"{self.cost['forward_passes']:,} forward, {self.cost['backward_passes']:,} backward passes"
        explained = dict.fromkeys(self.explained)
        facts = {
            "method": f"{spec.title} ({spec.paper})",
            "parameters": in_words(self.parameters),
            "attributions": f"{format_shape(self.attributions.shape)}, {self.unit}",
            "explained": ", ".join([*list(explained)[:5], *(["…"] if len(explained) > 5 else [])]),
            "cost": f"{self.cost['seconds']:.2f} s, {passes}",
        }
        return {name: fact for name, fact in facts.items() if fact}

    def _repr_html_(self) -> str:
        """Return the figure, the facts and the checks for a notebook."""
        facts = dict(self._facts())
        if self.labels is not None and self.labels.ndim == 1 and np.bincount(self.labels).max() > 4:
            facts["figure"] = "the first 4 examples of each class; plot([…]) shows others, by their numbers"
        for check in self.checks.itertuples():
            verdict = "passed" if check.passed else "FAILED"
            facts[f"check: {check.check}"] = f"{verdict} ({check.value:.3g}; fails where {check.sign} {check.limit:g})"
        return f"{facts_html(facts)}{figure_html(self.plot(), f'attributions by {self.method}')}"


def fitted(figure: Figure) -> Figure:
    """Return a figure with fonts that have all its letters, ready to be shown by a notebook."""
    from pellucid.draw import style

    with style.styled():
        style.fit(figure)
    # Without pyplot, Jupyter does not know how to show a figure; it always looks for this method.
    figure._repr_png_ = partial(_png, figure)  # type: ignore[attr-defined]
    return figure


def _png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a picture."""
    from pellucid.draw import style

    content = io.BytesIO()
    with style.styled():
        figure.savefig(content, format="png", dpi=100)
    return content.getvalue()


def facts_html(facts: Mapping[str, str]) -> str:
    """Return facts as a small table."""
    rows = (
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(fact)}</td></tr>'
        for name, fact in facts.items()
    )
    return f"<table>{''.join(rows)}</table>"


def figure_html(figure: Figure, alternative: str) -> str:
    """Return a figure as a picture inside a page."""
    picture = base64.b64encode(_png(figure)).decode()
    return f'<img alt="{html.escape(alternative)}" style="max-width:100%" src="data:image/png;base64,{picture}">'
