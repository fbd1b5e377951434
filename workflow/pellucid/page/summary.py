"""Write the summary at the top of an experiment's page: sentences made from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.compare.failed_checks import ABOUT
from pellucid.messages import MANY_CLASSES, format_shape
from pellucid.page.ranking import Ranking
from pellucid.user_text import in_figure, readable

_FIRST = 5  # names of classes or channels, if there are too many for a sentence


@dataclass(frozen=True)
class Section:
    """A part of the summary.

    Attributes:
        heading: of the part.
        mood: "good", "doubtful" or "unknown"; "" for a part that judges nothing.
        sentences: one or more.
    """

    heading: str
    mood: str
    sentences: Sequence[str]


def data_sentences(data: Mapping[str, Any]) -> list[str]:
    """Describe the data: source, examples, classes, splits, axes, units; `data` is `data.json`."""
    counts = {split: sum(of_split.values()) for split, of_split in data.get("counts", {}).items()}
    splits = listed(
        [f"{count:,} {'training' if split == 'train' else split}" for split, count in counts.items() if count]
    )
    classes = [in_figure(name) for name in data["classes"]]
    named = _some(classes)
    sentences = [
        f"{in_figure(data['title'], 300)}.",
        f"{splits or 'No'} examples of {len(classes):,} class{'es' * (len(classes) != 1)}: {named}.",
        _axes(data),
    ]
    if data["groups"]:
        sentences.append(
            "No group (such as a patient) has examples in two of these splits, as far as the source names groups."
        )
    return sentences + [readable(str(note)) for note in data.get("notes", ())]


def _axes(data: Mapping[str, Any]) -> str:
    *sizes, depth = data["shape"]
    channels = [in_figure(name) for name in data["channels"]]
    per = f"{depth} channel{'s' * (depth != 1)} ({_some(channels)})"
    if data["kind"] == "image":
        size = f"an image of {format_shape(sizes)} pixels"
    else:
        rate = data["sampling_rate_hz"]
        lasting = f", {sizes[0] / rate:g} s at {rate:g} Hz" if rate else ", without a sampling rate"
        size = f"a series of {sizes[0]:,} samples{lasting}"
    scaled = {
        "standard": "Each channel was centred and divided by its standard deviation",
        "minmax": "Each channel was brought to 0 … 1",
    }.get(data["scale"], "")
    scaling = f" {scaled}, both known from the training examples alone." if scaled else ""
    unit = in_figure(str(data["unit"])).removesuffix(".")
    return f"Each example is {size}, of {per}; unit: {unit}.{scaling}"


def model_sentences(title: str, training: Mapping[str, Any]) -> list[str]:
    """Return which model it is; `training` is `training.json`."""
    sentences = [f"{title}: {training['parameters']:,} parameters."]
    if epochs := training.get("epochs"):
        early = ", ended early" if training.get("ended_by") == "early_stopping" else ""
        sentences.append(
            f"Trained for {epochs} epochs{early}; the weights of epoch {training['best_epoch']} are explained."
        )
    else:
        sentences.append("It was not trained here: its weights are used unchanged.")
    return sentences


def explained_sentences(data: Mapping[str, Any], explorer: Mapping[str, Any], choice: Mapping[str, Any]) -> list[str]:
    """Return which examples are explained, and for which class.

    Args:
        data: `data.json`.
        explorer: the explorer's part of the page (`explanations.content`).
        choice: the settings `examples`.
    """
    examples, number = explorer["examples"], explorer["of"]
    which = {
        "correct": "chosen at random among those that the model gets right",
        "wrong": "chosen at random among those that the model gets wrong",
        "most_confident": "those about which the model is most certain",
        "least_confident": "those about which the model is least certain",
        "any": "chosen at random",
    }.get(str(choice["choose"]), "")
    target = choice["target"]
    if isinstance(target, Mapping):
        target = target["class"]
        whose = f"the class {in_figure(str(target))}"
    else:
        known = {"predicted": "the class that the model predicts", "true": "the true class"}
        whose = known.get(str(target), f"the class {in_figure(str(target))}")
    labelled = any(example["label"] is not None for example in examples)
    chosen = f", up to {choice['per_class']} of each class, {which}" if labelled else ", which have no labels"
    sentences = [
        f"{len(explorer['explanations'])} explanations of {number:,} test examples{chosen}. "
        f"Each says what counts for {whose}."
    ]
    if len(examples) < number:
        held = f"This page holds {len(examples)} of them, to stay small; the arrays in the results hold all."
        sentences.append(held)
    wrong = sum(example["label"] is not None and example["label"] != example["predicted"] for example in examples)
    if labelled and not wrong:
        sentences.append(
            "The model is right on all of them. To see mistakes as well, write examples: {choose: any} into the "
            "configuration."
        )
    return sentences


def method_sections(ranking: Ranking | None, names: Sequence[str]) -> list[Section]:
    """Return which explanations to look at, and which failed their checks.

    Args:
        ranking: None if nothing was scored.
        names: labels of all explanations.
    """
    if not names:
        return [Section("What it looks at", "unknown", ["No method was run."])]
    if ranking is None:
        text = (
            "The explanations were not checked and not scored (this needs two methods and one score): nothing here "
            "says which of them to believe."
        )
        return [Section("Which explanations to look at", "unknown", [text])]
    return [_first(ranking), _failed(ranking)]


def _first(ranking: Ranking) -> Section:
    heading = "Which explanations to look at"
    if not ranking.first:
        text = "None: no method passed its checks and has a rank." if ranking.mean_ranks else "None has a rank."
        return Section(heading, "doubtful", [text])
    shown = [
        f"{label} (mean rank {ranking.mean_ranks[label]:.2f}{', tied' if label in ranking.tied else ''})"
        for label in ranking.first
    ]
    sentences = [
        f"{listed(shown)}.",
        f"These passed all their checks and have the best mean ranks of {len(ranking.mean_ranks)} explanations over "
        f"the scores of {listed(list(ranking.families))}, each of which counts once (1 would be the best of all in "
        f"every score). The ranks are from at most {ranking.examples} examples: near ranks may change places with "
        "other examples, and a good rank is no proof that a map is right.",
    ]
    if ranking.better_controls:
        sentences.append(
            f"Caution: {listed(list(ranking.better_controls))}, which does not look at the model, ranks better than "
            "the last of these. On these data the scores can hardly distinguish an explanation from the signal itself."
        )
    sentences += [
        f"Caution: {rival.control}, which does not look at the model, is better than {rival.explanation} on "
        f"{rival.scores} of {rival.of} scores of faithfulness."
        for rival in ranking.outdone
    ]
    return Section(heading, "doubtful" if ranking.better_controls or ranking.outdone else "good", sentences)


def _failed(ranking: Ranking) -> Section:
    heading = "Which ones failed a check"
    failed = {label: checks for label, checks in ranking.failed.items() if label not in ranking.controls}
    if not failed:
        sentences = ["No method failed a check."]
    else:
        sentences = []
        for check, meaning in ABOUT.items():
            of_check = [
                f"{label} ({comparison})"
                for label, checks in failed.items()
                for name, comparison in checks
                if name == check
            ]
            if of_check:
                sentences.append(f"{check.capitalize()} ({meaning}): {listed(of_check)}.")
        sentences.append("Do not trust these maps without another reason to do so.")
    caught = [label for label in ranking.controls if label in ranking.failed]
    if caught:
        sentences.append(f"Controls do not look at the model and should fail; these failed: {listed(caught)}.")
    if missed := [label for label in ranking.controls if label not in ranking.failed]:
        sentences.append(f"These controls passed, so that passing says little here: {listed(missed)}.")
    return Section(heading, "doubtful" if failed else "good", sentences)


def listed(words: Sequence[str]) -> str:
    """Join words by commas, the last one by "and"."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]]) if len(words) > 1 else "".join(words)


def _some(names: Sequence[str]) -> str:
    """Join names; of many names only the first ones."""
    shown = list(names) if len(names) <= MANY_CLASSES else [*names[:_FIRST], f"{len(names) - _FIRST:,} more"]
    return listed(shown)
