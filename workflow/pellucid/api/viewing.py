"""`pellucid.view`: what a model has learned, on examples at hand; and what it returns, the arrays, table and figure."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid import files, plugins, seeds, tables
from pellucid.api import answers, checked, facts, settings
from pellucid.api.explanation import facts_html, figure_html, fitted
from pellucid.api.facts import Data
from pellucid.api.opening import OpenedModel
from pellucid.api.saving import save_arrays_or_figure
from pellucid.api.session import no_advice_on_tracing
from pellucid.config.variants import in_words
from pellucid.data_info import DataInfo
from pellucid.downloads import is_local, local_path
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData, ViewSpec

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False, eq=False)
class ModelView:
    """A view of a model.

    Attributes:
        view: its name.
        parameters: those of the view, defaults included.
        arrays: the content of the workflow's file of the view.
        texts: the content of its text files, by suffix.
        data_info: the content of `data.json`.
    """

    view: str
    parameters: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    texts: Mapping[str, str]
    data_info: DataInfo

    @property
    def table(self) -> pd.DataFrame | None:
        """The workflow's table of the view; None where it has none."""
        words = plugins.spec("views", self.view).words
        return tables.parse(io.StringIO(self.texts["csv"]), words) if "csv" in self.texts else None

    def plot(self) -> Figure:
        """Return the workflow's figure of the view."""
        from pellucid.draw import style
        from pellucid.draw import view as drawing

        with style.styled():
            figure = drawing.figure(
                self.view,
                self.parameters,
                str(self.data_info["title"]),
                style.shown(self.data_info),
                self.arrays,
            )
        return fitted(figure)

    def save(self, path: Path | str) -> None:
        """Write the arrays as the workflow does (.npz), or the figure (.png, .svg, .pdf).

        Args:
            path: its suffix chooses the format; missing folders are made.

        Raises:
            InputError: another suffix.
        """
        save_arrays_or_figure(path, self.arrays, self.plot)

    def __repr__(self) -> str:
        return f"<View {self.view}: {comma_list(self.arrays)}>"

    def _repr_html_(self) -> str:
        """Return the figure and what it shows for a notebook."""
        spec = plugins.spec("views", self.view)
        described = {"view": f"{spec.title} ({spec.paper})", "parameters": in_words(self.parameters)}
        described["read it as"] = spec.about
        shown = {name: text for name, text in described.items() if text}
        return f"{facts_html(shown)}{figure_html(self.plot(), f'view {self.view}')}"


def view(
    model: Any,
    x: ArrayLike | Mapping[str, ArrayLike],
    view: str,
    *,
    input: str | None = None,
    task: str = SINGLE_LABEL,
    y: ArrayLike | None = None,
    target: str | int | ArrayLike | Mapping[str, Any] = "predicted",
    training: ArrayLike | Mapping[str, ArrayLike] | None = None,
    training_y: ArrayLike | None = None,
    measured: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    channel_names: Sequence[str] | None = None,
    sampling_rate_hz: float | None = None,
    unit: str = "",
    title: str = "",
    seed: int = 0,
    threads: int | None = None,
    memory_mb: int = 1024,
    allow_code: bool = False,
    code: str | None = None,
    at_steps: Literal["last"] | int | Sequence[int] | None = None,
    **parameters: Any,
) -> ModelView:
    """Show what a model has learned: its filters, concepts, counterfactuals, the training examples behind a prediction.

    Args:
        model: a Keras model, or the path of a `.keras` file; views look inside of it.
        x: the examples. They stand for the workflow's selected examples and for its test examples.
        view: name of the view, such as "counterfactuals".
        y: the true answers of x; views that compare test examples by their labels need them.
        training: (M, *shape), the training examples, for views that need them.
        training_y: their answers, in the form of y.
        parameters: of the view; `pellucid list views` and the reference name them.
        input, task, target, measured, class_names, channel_names, sampling_rate_hz, unit, title, seed, threads,
            memory_mb, allow_code, code, at_steps: as for `pellucid.explain`.

    Raises:
        InputError: something is wrong; the message says what, and what to do.
    """
    chosen = settings.completed("views", view, parameters, None)
    how = checked.opening(task, code, at_steps, allow_code=allow_code, seed=seed, threads=threads, memory_mb=memory_mb)
    opened, data = checked.opened(
        model,
        x,
        input,
        how,
        y=y,
        target=target,
        training=training,
        measured=measured,
        class_names=class_names,
        channel_names=channel_names,
        sampling_rate_hz=sampling_rate_hz,
        unit=unit,
        title=title,
    )
    answers_of_training = facts.classes_of_training(training_y, data)
    plugins.hook(plugins.load("views")[view], "fits")(data.arrays["inputs"].shape[1:-1], **chosen)
    _require_fitting(view, plugins.spec("views", view), opened, data, answers_of_training)
    with TemporaryDirectory() as folder, no_advice_on_tracing():
        paths = _stored(Path(folder), plugins.spec("views", view), data, answers_of_training, opened.explained.task)
        given = ViewData(data.info, paths, _named_files(view, chosen))
        rng = seeds.generator(seed, "view", view)
        results = plugins.load("views")[view].compute(opened.explained, given, rng, **chosen)
        texts = {suffix: str(results.pop(suffix)) for suffix in plugins.spec("views", view).texts}
        # Some are mapped from a file of the folder.
        arrays = {name: np.array(array) for name, array in results.items()}
    return ModelView(view, chosen, arrays, texts, data.info)


def _require_fitting(
    view: str, spec: ViewSpec, opened: OpenedModel, data: Data, answers_of_training: NDArray[Any] | None
) -> None:
    """Refuse a view that does not apply to the model, or that needs data that were not passed (InputError)."""
    if opened.opaque:
        problem = f"it looks inside of a model, and of {opened.where} only the outputs are known."
        raise InputError(view, problem, "Pass a Keras model or the path of a .keras file.")
    settings.require_task("views", view, opened.explained.task)
    if opened.explained.held_inputs and not spec.several_inputs:
        raise InputError(view, "it shows models of one input alone, and this one has several.")
    if "training" in spec.needs and answers_of_training is None:
        raise InputError(view, "it needs training examples and their answers.", "Pass them: training=…, training_y=….")
    compares = "labels" in spec.requires and {"test", "examples"}.intersection(spec.needs)
    if compares and answers.passed(data.arrays, opened.explained.task) is None:
        raise InputError(view, "it needs the true answers of x.", "Pass them: y=….")
    present = (*opened.features, "labels", "split")
    settings.require_features("views", view, present, opened.where, opaque=False)


def _stored(
    folder: Path, spec: ViewSpec, data: Data, answers_of_training: NDArray[Any] | None, task: str
) -> dict[str, Path]:
    """Write what the view reads to the files of the workflow, below a folder; return their paths by name."""
    content = data.arrays
    known = {"train": answers_of_training, "test": answers.passed(content, task)}
    arrays: dict[str, Any] = {
        "examples": content,
        "x_train": data.training,
        "x_test": content["inputs"],
        "labels": {split: values for split, values in known.items() if values is not None},
        "predictions": {name: content[name] for name in ("probabilities", "predictions") if name in content},
        "truth": {},
        "groups": {},
        "measured": {"test": content["measured"]} if "measured" in content else {},
    }
    paths = {name: folder / Path(place).name for name, place in spec.sources().items()}
    for name, path in paths.items():
        (files.write_array if path.suffix == ".npy" else files.write_arrays)(path, arrays[name])
    return paths


def _named_files(view: str, parameters: Mapping[str, Any]) -> dict[str, Path]:
    """Return where the files lie that the parameters name, by the address that is written there.

    Raises:
        InputError: an address to download from, or no file there.
    """
    addresses = plugins.hook(plugins.load("views")[view], "files")(**parameters)
    for address in addresses:
        if not is_local(address) or not local_path(address).is_file():
            raise InputError.unexpected(view, abbreviate(address), "the path of a file that is there")
    return {address: local_path(address) for address in addresses}
