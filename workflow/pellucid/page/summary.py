"""Write the summary at the top of an experiment's page: sentences made from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.compare.failed_checks import ABOUT
from pellucid.data_info import DataInfo
from pellucid.messages import MANY_CLASSES, comma_list, counted, format_shape
from pellucid.page.ranking import Ranking
from pellucid.score.shared import example_groups
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, OUTPUT_WORDS, QUANTITY, REGRESSION, SINGLE_LABEL
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


def data_sentences(data: DataInfo) -> list[str]:
    """Describe the data: source, examples, classes, splits, axes, units; `data` is `data.json`."""
    splits = listed(
        [f"{count:,} {'training' if split == 'train' else split}" for split, count in sizes(data).items() if count]
    )
    classes, task = [in_figure(name) for name in data["classes"]], data.get("task", SINGLE_LABEL)
    word = (OUTPUT_WORD if len(classes) == 1 else OUTPUT_WORDS)[task]
    each = {
        MULTI_LABEL: " Each example has any number of them.",
        REGRESSION: f" Each example has a measured number{' for each' * (len(classes) > 1)}.",
    }
    sentences = [
        f"{in_figure(data['title'], 300)}.",
        f"{splits or 'No'} examples of {len(classes):,} {word}: {_some(classes)}.{each.get(task, '')}",
        _axes(data) if "explained_input" not in data else f"{_inputs(data)} {_axes(data)}",
    ]
    if data["groups"]:
        sentences.append(
            "All examples of one group (such as a patient) are in the same split, where the source names their group."
        )
    return sentences + [readable(str(note)) for note in data.get("notes", ())]


def sizes(data: DataInfo) -> dict[str, int]:
    """Return the number of examples of each split, as far as it is known; `data` is `data.json`."""
    if "examples" in data:
        return dict(data["examples"])
    return {split: sum(of_split.values()) for split, of_split in data.get("counts", {}).items()}


def _inputs(data: DataInfo) -> str:
    """Return what the model has as inputs, and which of them is explained."""
    names = listed([f"{in_figure(entry['name'])} ({format_shape(entry['shape'])})" for entry in data["inputs"]])
    explained = in_figure(data["explained_input"])
    return f"The model has several inputs: {names}. {explained} is explained; the others keep the example's values."


def _axes(data: DataInfo) -> str:
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
    if numbers := _numbers(data):
        return f"Each example is {len(numbers)} numbers ({_some(numbers)}).{scaling.replace('channel', 'number')}"
    return f"Each example is {size}, of {per}; unit: {unit}.{scaling}"


def _numbers(data: DataInfo) -> list[str]:
    """Return the names of the numbers where the explained input is numbers; none where it is not."""
    entries = {entry["name"]: entry for entry in data.get("inputs", ())}
    explained = entries.get(data.get("explained_input", ""))
    return [in_figure(name) for name in explained["channels"]] if explained and len(explained["shape"]) == 1 else []


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


def explained_sentences(data: DataInfo, explorer: Mapping[str, Any], choice: Mapping[str, Any]) -> list[str]:
    """Return which examples are explained, and for which class.

    Args:
        data: `data.json`.
        explorer: the explorer's part of the page (`explanations.content`).
        choice: the settings `examples`.
    """
    examples, number = explorer["examples"], explorer["of"]
    task = data.get("task", SINGLE_LABEL)
    which, whose = _CHOICES[task].get(str(choice["choose"]), ""), _whose(choice["target"], task)
    labelled = any(example["label"] is not None for example in examples)
    each = f", up to {choice['per_class']} of each {OUTPUT_WORD[task]}, {which}"
    chosen = each if labelled else ", which have no labels"
    sentences = [
        f"{counted(len(explorer['explanations']), 'explanation')} of {counted(number, 'test example')}{chosen}. "
        f"Each says what counts for {whose}."
    ]
    if len(examples) < number:
        held = f"This page holds {len(examples)} of them, to stay small; the arrays in the results hold all."
        sentences.append(held)
    # Of a measured value no prediction is simply right.
    if labelled and all(example["wrong"] is False for example in examples):
        sentences.append(
            "The model is right on all of them. To see mistakes as well, write examples: {choose: any} into the "
            "configuration."
        )
    return sentences


def frequencies_sentence(labels: Sequence[str]) -> str:
    """Return which explanations the page does not draw over the examples, since their maps are not over time."""
    word = "explanation is" if len(labels) == 1 else "explanations are"
    return (
        f"{len(labels)} {word} over frequencies: {comma_list(labels)}. Their maps stand in figures of their own; the "
        "maps of this page are over time."
    )


_CHOICES = {
    SINGLE_LABEL: {
        "correct": "chosen at random among those that the model gets right",
        "wrong": "chosen at random among those that the model gets wrong",
        "most_confident": "those about which the model is most certain",
        "least_confident": "those about which the model is least certain",
        "any": "chosen at random",
    },
    MULTI_LABEL: {
        "correct": "chosen at random among those that have it and are predicted to have it",
        "wrong": "chosen at random among those of which the model is wrong about it",
        "most_confident": "of those that have it, those for which the model is most certain of it",
        "least_confident": "of those that have it, those for which the model is least certain of it",
        "any": "chosen at random among those that have it",
        "negative": "chosen at random among those that do not have it",
    },
    REGRESSION: {
        "correct": "evenly along the range of the true value",
        "any": "evenly along the range of the true value",
        "wrong": "those with the largest errors",
    },
}


def _whose(target: Any, task: str) -> str:
    """Return what the explanations are of, in words; `target` is `examples.target`."""
    word = OUTPUT_WORD[task]
    known = {"predicted": "the class that the model predicts", "true": "the true class"}
    if task != SINGLE_LABEL:
        known = dict.fromkeys(known, f"the {word} for which the example was chosen")
    if not isinstance(target, Mapping):
        return known.get(str(target), f"the {word} {in_figure(str(target))}")
    if "class" in target:
        return f"the {word} {in_figure(str(target['class']))}"
    why = known.get(str(target["why"]), f"the {word} {in_figure(str(target['why']))}")
    other = in_figure(str(target["not"]))
    return f"{why} and not for {other}: the difference of the two {QUANTITY[task]}s"


def method_sections(
    ranking: Ranking | None,
    names: Sequence[str],
    choice: Mapping[str, Any] | None = None,
    *,
    of_doubtful_model: bool = False,
) -> list[Section]:
    """Return which explanations to look at, and which failed their checks.

    Args:
        ranking: None if nothing was scored.
        names: labels of all explanations.
        choice: the settings `examples`, which name `scored` only where other examples than the shown ones are scored.
        of_doubtful_model: whether the model may be no better than chance.
    """
    if not names:
        return [Section("What it looks at", "unknown", ["No method was run."])]
    if ranking is None:
        text = (
            "The explanations were not checked and not scored (this needs two methods and one score): nothing here "
            "says which of them to believe."
        )
        return [Section("Which explanations to look at", "unknown", [text])]
    first = _first(ranking, measured="scored" in (choice or {}))
    if of_doubtful_model:
        caution = "Caution: the model may know nothing of the classes, and then no map shows what tells them apart."
        first = Section(first.heading, "doubtful", [*first.sentences, caution])
    return [first, _failed(ranking)]


def _first(ranking: Ranking, *, measured: bool) -> Section:
    heading = "Which explanations to look at"
    if not ranking.first:
        text = "None: no method passed its checks and has a rank." if ranking.mean_ranks else "None has a rank."
        return Section(heading, "doubtful", [text])
    shown = [
        f"{label} (mean rank {ranking.mean_ranks[label]:.2f}{', tied' if label in ranking.tied else ''})"
        for label in ranking.first
    ]
    families = listed(list(ranking.families)) + (", each of which counts once" if len(ranking.families) > 1 else "")
    word = "measured example" if measured else "example"
    sentences = [
        f"{listed(shown)}.",
        f"These passed all their checks and have the best mean ranks of {len(ranking.mean_ranks)} explanations over "
        f"the scores of {families} (1 would be the best of all in every score). The ranks are from at most "
        f"{counted(ranking.examples, word)}: near ranks may change places with other examples, and a good rank is "
        "no proof that a map is right.",
    ]
    if ranking.groups:
        sentences.append(example_groups.of_intervals(ranking.groups))
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
    if flat := [f"{label} ({numbers})" for label, numbers in ranking.flat.items() if label not in ranking.controls]:
        sentences.append(
            f"Some maps are the same everywhere and tell no part of their example from another; the methods, and the "
            f"test examples: {listed(flat)}."
        )
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
