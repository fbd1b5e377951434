"""Heartbeats of the MIT-BIH Arrhythmia Database, cut here out of the recordings that PhysioNet publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import BLANK, MEASURED, Examples, RawData, SourceSpec
from pellucid.datasets.heartbeats import aami, beats, mitdb_records
from pellucid.downloads import is_local, local_path
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.parameters import UNIQUE, one_of, read

CLASSES = tuple(aami.CODES)
# Parameters of `cutting: fixed`: the other cutting has a rule of its own for each.
_FIXED = ("before", "after", "rate", "beat_scale")

SPEC = SourceSpec(
    title="Heartbeats of the MIT-BIH Arrhythmia Database: 48 half-hour recordings of 47 patients",
    kind="series",
    licence="ODC-By 1.0 (PhysioNet mitdb 1.0.0)",
    citation="Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and Biol 20(3):45-50 "
    "(2001). Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000). "
    "doi:10.13026/C2F305",
    homepage="https://physionet.org/content/mitdb/1.0.0/",
)


@dataclass
class _Cut:
    """The beats of one record.

    Attributes:
        record: its number.
        x: (kept, time, leads).
        lengths: (kept,), samples of each beat before its padding.
        names: the AAMI class of each of them.
        left_out: how many are not among them, by (reason, class).
        others: how many annotations are no beats, by code.
    """

    record: int
    x: NDArray[np.float32]
    lengths: NDArray[np.int64]
    names: list[str]
    left_out: Counter[tuple[str, str]]
    others: Counter[str]


def check(*, split: str, only: Sequence[int] | None = None, cutting: str, **others: Any) -> None:
    """Refuse parameters that do not go together.

    Raises:
        InputError: `only` names no record of DS1 or none of DS2, or one of neither, under `split: inter_patient`;
            parameters of one cutting beside the other; windows of fewer than 16 samples.
    """
    if split == "inter_patient" and only is not None:
        hint = "With split: random any records may be used."
        if paced := [record for record in only if record in aami.PACED]:
            raise InputError.unexpected(
                "mitdb.only", f"{comma_list(paced)}, of paced patients", "records of DS1 and DS2", hint
            )
        for side, members in (("DS1, to train on", aami.DS1), ("DS2, to test on", aami.DS2)):
            if not set(members) & set(only):
                expected = f"one or more of {side}: {comma_list(members)}"
                raise InputError.unexpected("mitdb.only", f"{comma_list(only)}", expected, hint)
    if cutting == "kachuee":
        defaults = read(load)
        for name in _FIXED:
            if others[name] != defaults[name].default:
                expected = "no such key beside cutting: kachuee, which has a rule of its own for it"
                raise InputError.unexpected(f"mitdb.{name}", str(others[name]), expected)
    elif (samples := sum(_window(others["before"], others["after"], others["rate"]))) < 16:
        found = f"{others['before']} and {others['after']} s, {samples} samples at {others['rate']} Hz"
        raise InputError.unexpected("mitdb.before and after", found, "a window of 16 samples or more")


def addresses(
    *,
    records: str,
    checksums: bool,
    only: Sequence[int] | None = None,
    split: str,
    **others: Any,
) -> dict[str, str]:
    """The files of the chosen records, by suffix and number ("dat_100"), and "sums".

    Raises:
        InputError: a local folder that is not there, or that lacks files of the chosen records.
    """
    names = {f"{suffix}_{one}": f"{one}.{suffix}" for one in _chosen(split, only) for suffix in mitdb_records.SUFFIXES}
    if not is_local(records):
        names |= {"sums": mitdb_records.SUMS} if checksums else {}
        return {key: f"{records.rstrip('/')}/{name}" for key, name in names.items()}
    folder = local_path(records, "mitdb.records")
    if not folder.is_dir():
        raise InputError.unexpected(
            "mitdb.records", f"no folder at {folder}", "one with the files of the records", SPEC.homepage
        )
    if missing := [name for name in names.values() if not (folder / name).is_file()]:
        whole = [one for one in aami.RECORDS if all((folder / f"{one}.{s}").is_file() for s in mitdb_records.SUFFIXES)]
        shown = f"{comma_list(missing[:6])}{', …' if len(missing) > 6 else ''} ({len(missing)} of {len(names)} files)"
        hint = f"Complete in there: {comma_list(whole)}; name what you want under only." if whole else ""
        raise InputError.unexpected(
            "mitdb.records", f"no {shown} in {folder}", "the .hea, .dat and .atr of each record", hint
        )
    # Records that somebody copied or wrote have no list beside them: that is said in the notes, and no fault.
    names |= {"sums": mitdb_records.SUMS} if checksums and (folder / mitdb_records.SUMS).is_file() else {}
    return {key: str(folder / name) for key, name in names.items()}


def axes(*, cutting: str, before: float, after: float, rate: int, **parameters: Any) -> tuple[int, ...]:
    """Sizes of an example, but for the channels."""
    return (beats.KACHUEE_SAMPLES if cutting == "kachuee" else sum(_window(before, after, rate)),)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    records: Annotated[
        str, Field(min_length=1, description="where the .hea, .dat and .atr files lie: a folder, or the address of one")
    ] = "https://physionet.org/files/mitdb/1.0.0/",
    checksums: Annotated[
        bool, Field(description="check every file against SHA256SUMS.txt beside it, which a local folder may lack")
    ] = True,
    only: Annotated[
        Sequence[Annotated[int, one_of(aami.RECORDS)]] | None,
        Field(min_length=1, json_schema_extra=UNIQUE, description="numbers of the records to use; absent for all"),
    ] = None,
    leads: Annotated[
        Sequence[str],
        Field(
            min_length=1,
            json_schema_extra=UNIQUE,
            description="leads, each a channel, wherever in a record they are; a record without one is left out, or "
            "refused where `only` names it",
        ),
    ] = ("MLII",),
    classes: Annotated[
        Sequence[Annotated[str, one_of(CLASSES)]],
        Field(min_length=2, json_schema_extra=UNIQUE, description="AAMI classes to keep"),
    ] = CLASSES,
    split: Annotated[
        Literal["inter_patient", "random"],
        Field(
            description="inter_patient: train on DS1 and test on DS2 of de Chazal et al. 2004, without paced "
            "records; random: beats drawn from all records, where a patient lies on both sides"
        ),
    ] = "inter_patient",
    cutting: Annotated[
        Literal["fixed", "kachuee"],
        Field(
            description="fixed: a window around each R peak; kachuee: as Kachuee et al. 2018 cut the beats of "
            "`mitbih`, 187 samples at 125 Hz from the R peak on, scaled to [0, 1] and padded with zeros"
        ),
    ] = "fixed",
    before: Annotated[float, Field(ge=0, le=60, description="of cutting fixed: s before the R peak")] = 0.3,
    after: Annotated[float, Field(ge=0, le=60, description="of cutting fixed: s after the R peak")] = 0.5,
    rate: Annotated[
        int,
        Field(
            ge=50,
            le=int(mitdb_records.RATE),
            description="of cutting fixed: sampling rate in Hz; below 360 the records are resampled",
        ),
    ] = 360,
    beat_scale: Annotated[
        Literal["none", "standard", "minmax"],
        Field(
            description="of cutting fixed: none (mV, to which other voltages of a header are brought), or each beat "
            "and lead by itself to mean 0 and standard deviation 1, or to [0, 1]"
        ),
    ] = "none",
) -> RawData:
    """Cut every annotated beat, and say in the notes which were left out.

    The parameters are those of `SPEC`; `files` holds what `addresses` names. With `split: inter_patient` the examples
    have their patient as group, so that validation is by patient too; with `random` they have none.

    Raises:
        InputError: a file that is broken or another than its checksum says; a lead that is not there; too few beats
            of a class.
    """
    chosen = _chosen(split, only)
    paths = {one: {suffix: files[f"{suffix}_{one}"] for suffix in mitdb_records.SUFFIXES} for one in chosen}
    if "sums" in files:
        mitdb_records.check_sums(files["sums"], [path for own in paths.values() for path in own.values()])
    lacking, cuts, assumed = _without(paths, leads, refuse=only is not None), list[_Cut](), list[str]()
    for one in chosen:
        if one not in lacking:
            scaled = cutting == "kachuee" or beat_scale != "none"
            record = mitdb_records.read(paths[one], leads, scaled=scaled)
            assumed += record.assumed
            cuts.append(_cut(one, record, cutting, before=before, after=after, rate=rate, beat_scale=beat_scale))
    sides = {"train": cuts, "test": []}
    if split == "inter_patient":
        sides = {"train": [c for c in cuts if c.record in aami.DS1], "test": [c for c in cuts if c.record in aami.DS2]}
    kept = _kept_classes(sides, classes, split)
    notes = [
        *_about_split(split, [c.record for c in cuts], only is None),
        *(f"Left out: record {one}, which has {comma_list(own)} alone." for one, own in lacking.items()),
        *([] if "sums" in files else ["The files were not compared with published checksums."]),
        *assumed,
        *_about_beats(cuts, kept),
    ]
    units = {"none": "mV", "standard": "z-score", "minmax": "scaled amplitude"}
    return RawData(
        train=_examples(sides["train"], kept, grouped=split == "inter_patient"),
        test=_examples(sides["test"], kept, grouped=True) if split == "inter_patient" else None,
        classes=kept,
        channels=tuple(leads),
        unit=units["minmax" if cutting == "kachuee" else beat_scale],
        sampling_rate=float(beats.KACHUEE_RATE if cutting == "kachuee" else rate),
        notes=tuple(notes),
        shared_groups=frozenset(aami.patient(one) for one in aami.SAME_PATIENT),
    )


def _chosen(split: str, only: Sequence[int] | None) -> list[int]:
    """The records to be read, ascending."""
    every = aami.RECORDS if split == "random" else tuple(one for one in aami.RECORDS if one not in aami.PACED)
    return [one for one in every if only is None or one in only]


def _window(before: float, after: float, rate: int) -> tuple[int, int]:
    return round(before * rate), round(after * rate)


def _without(paths: Mapping[int, Mapping[str, Path]], leads: Sequence[str], *, refuse: bool) -> dict[int, list[str]]:
    """The leads of the records that lack one that is wanted."""
    own = {one: mitdb_records.leads_of(files["hea"]) for one, files in paths.items()}
    lacking = {one: names for one, names in own.items() if set(leads) - set(names)}
    if lacking and (refuse or len(lacking) == len(own)):
        one, names = next(iter(lacking.items()))
        missing = comma_list(lead for lead in leads if lead not in names)
        hint = "Name other leads, or leave it out of only."
        raise InputError.unexpected(
            "mitdb.leads", f"{missing}, which record {one} does not have", f"some of {comma_list(names)}", hint
        )
    return lacking


def _cut(
    number: int,
    record: mitdb_records.Record,
    cutting: str,
    *,
    before: float,
    after: float,
    rate: int,
    beat_scale: str,
) -> _Cut:
    found = [aami.CLASS_OF.get(code, "") for code in record.codes]
    peaks = record.peaks[[bool(name) for name in found]]
    names = [name for name in found if name]
    if cutting == "kachuee":
        signal, peaks = beats.resample(record.signal, peaks, mitdb_records.RATE, beats.KACHUEE_RATE)
        x, reasons, lengths = beats.kachuee(signal, peaks)
    else:
        signal, peaks = beats.resample(record.signal, peaks, mitdb_records.RATE, rate)
        raw, reasons = beats.fixed(signal, peaks, *_window(before, after, rate))
        x = beats.scale_each(raw, beat_scale)
        lengths = np.full(len(x), x.shape[1], np.int64)
    return _Cut(
        record=number,
        x=x,
        lengths=lengths,
        names=[name for name, reason in zip(names, reasons, strict=True) if not reason],
        left_out=Counter((reason, name) for name, reason in zip(names, reasons, strict=True) if reason),
        others=Counter(code for code, name in zip(record.codes, found, strict=True) if not name),
    )


def _kept_classes(sides: Mapping[str, Sequence[_Cut]], asked: Sequence[str], split: str) -> tuple[str, ...]:
    """The classes that the data have, in AAMI's order: those of `asked`, where that is not simply all.

    Raises:
        InputError: a class that is asked for by name is not there, or one has too few beats.
    """
    asked = [name for name in CLASSES if name in asked]
    counts = {side: Counter(name for cut in cuts for name in cut.names) for side, cuts in sides.items()}
    total = sum(counts.values(), Counter[str]())
    if not total:
        why = _reasons([cut for cuts in sides.values() for cut in cuts]) or "none is annotated"
        found = f"no beat that can be cut ({why})"
        raise InputError.unexpected(
            "mitdb", found, "records with whole beats, and before and after that leave room for them"
        )
    present = tuple(name for name in asked if total[name])
    if len(present) < 2 or (len(present) < len(asked) and len(asked) < len(CLASSES)):
        shown = ", ".join(f"{total[name]:,} {name}" for name in CLASSES if total[name]) or "none at all"
        absent = [name for name in asked if name not in present]
        raise InputError.unexpected(
            "mitdb.classes",
            f"{comma_list(asked)}, and no beat of {comma_list(absent)}",
            f"two classes or more of which the chosen records have beats ({shown})",
            "Name other classes, or more records under only.",
        )
    wanted = {"train": 3} if split == "random" else {"train": 2, "test": 1}
    for name in present:
        if any(counts[side][name] < least for side, least in wanted.items()):
            found = " and ".join(f"{counts[side][name]} beat(s) of class {name} to {side}" for side in wanted)
            found = found.replace(" to train", "") if split == "random" else found
            others = [one for one in present if one != name]
            raise InputError.unexpected(
                "mitdb.classes",
                f"{found}{'' if split == 'random' else ' on'}",
                " and ".join(f"{least} or more" for least in wanted.values()),
                f"Leave the class out (classes: [{comma_list(others)}]), or take more records (only).",
            )
    return present


def _examples(cuts: Sequence[_Cut], classes: Sequence[str], *, grouped: bool) -> Examples:
    label = {name: index for index, name in enumerate(classes)}
    wanted = [np.array([name in label for name in cut.names], np.bool_) for cut in cuts]
    x = np.concatenate([cut.x[mask] for cut, mask in zip(cuts, wanted, strict=True)])
    y = np.array([label[name] for cut in cuts for name in cut.names if name in label], np.int64)
    group = np.repeat([aami.patient(cut.record) for cut in cuts], [int(mask.sum()) for mask in wanted])
    lengths = np.concatenate([cut.lengths[mask] for cut, mask in zip(cuts, wanted, strict=True)])
    filling = None
    if (lengths < x.shape[1]).any():
        after = np.arange(x.shape[1]) >= lengths[:, np.newaxis]
        filling = np.repeat(np.where(after, BLANK, MEASURED).astype(np.uint8)[..., np.newaxis], x.shape[2], axis=2)
    return Examples(x, y, group=group if grouped else None, filling=filling)


def _about_split(split: str, records: Sequence[int], complete: bool) -> Iterable[str]:
    if split == "random":
        yield "Beats of one patient are in train and in test: scores flatter a model that will meet new patients."
        return
    shared = ""
    if set(aami.SAME_PATIENT) <= set(records):
        shared = ", but for records 201 (DS1) and 202 (DS2), which are of one, as in the published lists"
    yield f"The source's train is DS1 and its test is DS2 of de Chazal et al. 2004: different patients{shared}."
    if complete:
        yield f"Left out: the records of paced patients, {comma_list(aami.PACED)}."


def _about_beats(cuts: Sequence[_Cut], classes: Sequence[str]) -> Iterable[str]:
    counts = Counter(name for cut in cuts for name in cut.names)
    annotated = sum(counts.values()) + sum(sum(cut.left_out.values()) for cut in cuts)
    shown = ", ".join(f"{counts[name]:,} {name}" for name in classes)
    yield f"Kept: {sum(counts[name] for name in classes):,} of {annotated:,} annotated beats ({shown})."
    if reasons := _reasons(cuts):
        yield f"Left out: {reasons}."
    if others := ", ".join(f"{counts[name]:,} {name}" for name in CLASSES if counts[name] and name not in classes):
        yield f"Left out: beats of classes that are not asked for ({others})."
    if absent := [name for name in CLASSES if not counts[name]]:
        yield f"No beats of class {comma_list(absent)} in these records."
    if marks := sum((cut.others for cut in cuts), Counter[str]()):
        by_code = ", ".join(f"{count:,} {code}" for code, count in sorted(marks.items()))
        yield f"Annotations that are no beats: {by_code}."
    if len(cuts) > 1:
        rows = {cut.record: Counter(cut.names) for cut in cuts}
        each = (
            f"{record}: {', '.join(f'{own[name]:,} {name}' for name in classes if own[name]) or 'none'}"
            for record, own in rows.items()
        )
        yield f"Kept by record: {'; '.join(each)}."


def _reasons(cuts: Sequence[_Cut]) -> str:
    total = sum((cut.left_out for cut in cuts), Counter[tuple[str, str]]())
    parts = []
    for reason in dict.fromkeys(reason for reason, _ in sorted(total)):
        own = {name: total[reason, name] for name in CLASSES if total[reason, name]}
        count = sum(own.values())
        by_class = ", ".join(f"{number:,} {name}" for name, number in own.items())
        parts.append(f"{count:,} {'beat' if count == 1 else 'beats'} {reason} ({by_class})")
    return ", ".join(parts)
