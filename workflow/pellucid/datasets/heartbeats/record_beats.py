"""Cut the beats of MIT-BIH records, choose the classes to keep, and say which beats were left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import BLANK, MEASURED, Examples
from pellucid.datasets.heartbeats import aami, beats
from pellucid.datasets.heartbeats.mitdb_records import RATE, Record
from pellucid.errors import InputError
from pellucid.messages import comma_list


@dataclass
class RecordBeats:
    """The beats of one record.

    Attributes:
        record: its number.
        x: (kept, time, leads).
        lengths: (kept,), samples of each beat before its padding.
        names: the AAMI class of each beat that is kept.
        left_out: the number of beats that are not kept, by (reason, class).
        others: the number of annotations that mark no beat, by code.
    """

    record: int
    x: NDArray[np.float32]
    lengths: NDArray[np.int64]
    names: list[str]
    left_out: Counter[tuple[str, str]]
    others: Counter[str]


def cut(
    number: int,
    record: Record,
    cutting: str,
    before: float,
    after: float,
    rate: int,
    beat_scale: str,
) -> RecordBeats:
    """Cut the beats of one record; the parameters are those of `mitdb`."""
    class_names = [aami.CLASS_OF.get(code, "") for code in record.codes]
    peaks = record.peaks[[bool(name) for name in class_names]]
    names = [name for name in class_names if name]
    if cutting == "kachuee":
        signal, peaks = beats.resample(record.signal, peaks, RATE, beats.KACHUEE_RATE)
        x, reasons, lengths = beats.kachuee(signal, peaks)
    else:
        signal, peaks = beats.resample(record.signal, peaks, RATE, rate)
        raw, reasons = beats.fixed(signal, peaks, *beats.window_samples(before, after, rate))
        x = beats.scale_each(raw, beat_scale)
        lengths = np.full(len(x), x.shape[1], np.int64)
    return RecordBeats(
        record=number,
        x=x,
        lengths=lengths,
        names=[name for name, reason in zip(names, reasons, strict=True) if not reason],
        left_out=Counter((reason, name) for name, reason in zip(names, reasons, strict=True) if reason),
        others=Counter(code for code, name in zip(record.codes, class_names, strict=True) if not name),
    )


def kept_classes(sides: Mapping[str, Sequence[RecordBeats]], asked: Sequence[str], split: str) -> tuple[str, ...]:
    """Return the classes of `asked` of which there are beats, in AAMI's order.

    Args:
        sides: the beats to train on and to test on.
        asked: class names; where all five are asked for, some may be absent.
        split: the parameter of `mitdb`.

    Raises:
        InputError: a class that is asked for is absent, or has too few beats.
    """
    asked = [name for name in aami.CODES if name in asked]
    counts = {side: Counter(name for cut in cuts for name in cut.names) for side, cuts in sides.items()}
    total = sum(counts.values(), Counter[str]())
    if not total:
        why = _reasons([cut for cuts in sides.values() for cut in cuts]) or "none is annotated"
        raise InputError(
            "mitdb",
            f"no beat can be cut ({why}).",
            "Use longer records, or a shorter window: before and after.",
        )
    present = tuple(name for name in asked if total[name])
    if len(present) < 2 or (len(present) < len(asked) and len(asked) < len(aami.CODES)):
        shown = ", ".join(f"{total[name]:,} {name}" for name in aami.CODES if total[name]) or "none at all"
        absent = [name for name in asked if name not in present]
        raise InputError(
            "mitdb.classes",
            f"the chosen records have no beat of {comma_list(absent) or 'a second class'} (their beats: {shown}).",
            "Name two classes or more that they have, or more records under only.",
        )
    wanted = {"train": 3} if split == "random" else {"train": 2, "test": 1}
    for name in present:
        if any(counts[side][name] < least for side, least in wanted.items()):
            uses = {side: "" if split == "random" else f" to {side} on" for side in wanted}
            others = [other for other in present if other != name]
            raise InputError.unexpected(
                "mitdb.classes",
                " and ".join(f"{counts[side][name]} beat(s) of class {name}{use}" for side, use in uses.items()),
                " and ".join(f"{least} or more{uses[side]}" for side, least in wanted.items()),
                f"Leave the class out (classes: [{comma_list(others)}]), or take more records (only).",
            )
    return present


def as_examples(cuts: Sequence[RecordBeats], classes: Sequence[str], *, grouped: bool) -> Examples:
    """Join the beats of the classes to keep; with their patient as group, if grouped."""
    label = {name: index for index, name in enumerate(classes)}
    masks = [np.array([name in label for name in cut.names], np.bool_) for cut in cuts]
    x = np.concatenate([cut.x[mask] for cut, mask in zip(cuts, masks, strict=True)])
    y = np.array([label[name] for cut in cuts for name in cut.names if name in label], np.int64)
    group = np.repeat([aami.patient(cut.record) for cut in cuts], [int(mask.sum()) for mask in masks])
    lengths = np.concatenate([cut.lengths[mask] for cut, mask in zip(cuts, masks, strict=True)])
    filling = None
    if (lengths < x.shape[1]).any():
        after = np.arange(x.shape[1]) >= lengths[:, np.newaxis]
        filling = np.repeat(np.where(after, BLANK, MEASURED).astype(np.uint8)[..., np.newaxis], x.shape[2], axis=2)
    return Examples(x, y, group=group if grouped else None, filling=filling)


def about_beats(cuts: Sequence[RecordBeats], classes: Sequence[str]) -> Iterable[str]:
    """Yield the notes on the beats that were kept and left out, a sentence each."""
    counts = Counter(name for cut in cuts for name in cut.names)
    annotated = sum(counts.values()) + sum(sum(cut.left_out.values()) for cut in cuts)
    shown = ", ".join(f"{counts[name]:,} {name}" for name in classes)
    yield f"Kept: {sum(counts[name] for name in classes):,} of {annotated:,} annotated beats ({shown})."
    if reasons := _reasons(cuts):
        yield f"Left out: {reasons}."
    if others := ", ".join(f"{counts[name]:,} {name}" for name in aami.CODES if counts[name] and name not in classes):
        yield f"Left out: beats of classes that were not asked for ({others})."
    if absent := [name for name in aami.CODES if not counts[name]]:
        yield f"No beats of class {comma_list(absent)} in these records."
    if marks := sum((cut.others for cut in cuts), Counter[str]()):
        by_code = ", ".join(f"{count:,} {code}" for code, count in sorted(marks.items()))
        yield f"Annotations that mark no beat: {by_code}."
    if len(cuts) > 1:
        by_record = {cut.record: Counter(cut.names) for cut in cuts}
        records = (
            f"{record}: {', '.join(f'{counts[name]:,} {name}' for name in classes if counts[name]) or 'none'}"
            for record, counts in by_record.items()
        )
        yield f"Kept by record: {'; '.join(records)}."


def _reasons(cuts: Sequence[RecordBeats]) -> str:
    """Return why beats were left out, with their number by class; empty if none was."""
    total = sum((cut.left_out for cut in cuts), Counter[tuple[str, str]]())
    reasons = []
    for reason in dict.fromkeys(reason for reason, _ in sorted(total)):
        counts = {name: total[reason, name] for name in aami.CODES if total[reason, name]}
        count = sum(counts.values())
        by_class = ", ".join(f"{number:,} {name}" for name, number in counts.items())
        reasons.append(f"{count:,} {'beat' if count == 1 else 'beats'} {reason} ({by_class})")
    return ", ".join(reasons)
