"""Write a paragraph on the methods for a paper: what ran, with its publications and the versions."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid import plugins
from pellucid.config.variants import in_words
from pellucid.data_info import DataInfo
from pellucid.datasets.base import OWN_CITATION
from pellucid.messages import counted
from pellucid.page.summary import listed, sizes
from pellucid.tasks import OUTPUT_WORD, OUTPUT_WORDS, REGRESSION, SINGLE_LABEL
from pellucid.user_text import in_figure, readable

_PACKAGES = {"pellucid": "Pellucid", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}

_YEAR = re.compile(r"\b(19|20)\d\d\b")


class References:
    """Numbers the publications in the order of their first use."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        """Return the mark of a publication, such as " [3]"; "" for a text that names none (of a control)."""
        text = " ".join(readable(text).split())
        # A text without a year is a remark and no publication.
        if not _YEAR.search(text):
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return f" [{self.texts.index(text) + 1}]"


def methods_text(
    *,
    data: DataInfo,
    training: Mapping[str, Any],
    settings: Mapping[str, Any],
    explained: Sequence[tuple[str, Mapping[str, Any]]],
    examples: int,
    scores: Sequence[str],
) -> tuple[str, list[str]]:
    """Return the paragraph, and the references that its numbers name.

    Args:
        data, training: `data.json` and `training.json`.
        settings: `model`, `training` and `seed` of the experiment.
        explained: method and parameters of each explanation that ran.
        examples: how many test examples are explained.
        scores: the scores that ran.
    """
    references = References()
    splits = listed([f"{count:,} for {_PURPOSE.get(split, split)}" for split, count in sizes(data).items() if count])
    task = data.get("task", SINGLE_LABEL)
    word = OUTPUT_WORDS[task] if task == SINGLE_LABEL or len(data["classes"]) != 1 else OUTPUT_WORD[task]
    used = f"{in_figure(data['title'], 300)}{references.mark(str(data['citation']))}"
    if data["citation"] == OWN_CITATION:
        used = f"our own data ({used[:1].lower()}{used[1:]})"
    sentences = [f"We used {used}: {splits or 'no'} examples of {len(data['classes'])} {word}."]
    sentences.append(_model(references, training, settings))
    if explained:
        ran = [
            f"{plugins.spec('explain', method).title}"
            f"{references.mark(plugins.spec('explain', method).paper)}{_parameters(parameters)}"
            for method, parameters in explained
        ]
        logits = "before the last activation function" if task != REGRESSION else "in the units of the data"
        sentences.append(
            f"The predictions of {counted(examples, 'test example')}, {logits}, were explained by {listed(ran)}."
        )
    if scores:
        named = [
            f"{plugins.spec('score', name).title.lower()}{references.mark(plugins.spec('score', name).paper)}"
            for name in scores
        ]
        sentences.append(f"The explanations were scored by {listed(named)}.")
    sentences.append(f"All was computed by {listed(_versions(training))}.")
    return " ".join(sentences), references.texts


_PURPOSE = {"train": "training", "validation": "validation", "test": "the test"}


def _model(references: References, training: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    spec, recipe = plugins.spec("models", settings["model"]["architecture"]), settings["training"]
    # The title of the user's own model speaks to the user.
    named = "a model of our own" if spec.own_head else f"{spec.title}{references.mark(spec.source)}"
    network = f"The network, {named}, has {training['parameters']:,} parameters"
    if training.get("epochs"):
        network += (
            f" and was trained for {training['epochs']} epochs with {recipe['optimizer']} (learning rate "
            f"{recipe['learning_rate']:g}, batches of {recipe['batch_size']}, loss {training['loss']}); the weights of "
            f"the epoch with the best {training['monitor']}, {training['best_epoch']}, were kept. "
            f"The seed was {settings['seed']}."
        )
    else:
        network += " and was not trained further."
    return network


def _parameters(parameters: Mapping[str, Any]) -> str:
    """Return the parameters in parentheses."""
    text = in_words(parameters, in_figure)
    return f" ({text})" if text else ""


def _versions(training: Mapping[str, Any]) -> list[str]:
    """Return the names and versions of the programs; of those that trained the model, the version of that time."""
    at_training = training.get("versions", {})
    versions = []
    for package, name in _PACKAGES.items():
        try:
            versions.append(f"{name} {at_training.get(package) or importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return [*versions, f"Python {platform.python_version()}"]
