"""Heartbeats of the MIT-BIH Arrhythmia Database, cut out of the recordings that PhysioNet publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pellucid.datasets.base import RawData, SourceSpec
from pellucid.datasets.heartbeats import aami, beats, mitdb_records, record_beats
from pellucid.downloads import is_local, local_path
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.parameters import UNIQUE, one_of, read

CLASSES = tuple(aami.CODES)
_SIDES = {"train": aami.DS1, "test": aami.DS2}  # of split: inter_patient
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
    elif (samples := sum(beats.window_samples(others["before"], others["after"], others["rate"]))) < 16:
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
    """Return the files of the chosen records, by suffix and number ("dat_100"), and their checksums ("sums").

    Raises:
        InputError: a local folder is missing, or lacks files of the chosen records.
    """
    suffixes = mitdb_records.SUFFIXES
    names = {f"{suffix}_{number}": f"{number}.{suffix}" for number in _numbers(split, only) for suffix in suffixes}
    if not is_local(records):
        names |= {"sums": mitdb_records.SUMS} if checksums else {}
        return {key: f"{records.rstrip('/')}/{name}" for key, name in names.items()}
    folder = local_path(records, "mitdb.records")
    if not folder.is_dir():
        raise InputError(
            "mitdb.records", f"there is no folder {folder}.", f"Name the folder of the records' files: {SPEC.homepage}"
        )
    if missing := [name for name in names.values() if not (folder / name).is_file()]:
        complete = [
            number for number in aami.RECORDS if all((folder / f"{number}.{suffix}").is_file() for suffix in suffixes)
        ]
        shown = f"{comma_list(missing[:6])}{', …' if len(missing) > 6 else ''} ({len(missing)} of {len(names)} files)"
        hint = "The .hea, .dat and .atr of each record are needed."
        if complete:
            hint += f" Complete records there: {comma_list(complete)}; name those to use under only."
        raise InputError("mitdb.records", f"{folder} lacks {shown}.", hint)
    # Records that somebody copied or wrote may come without checksums: a note says so.
    names |= {"sums": mitdb_records.SUMS} if checksums and (folder / mitdb_records.SUMS).is_file() else {}
    return {key: str(folder / name) for key, name in names.items()}


def axes(*, cutting: str, before: float, after: float, rate: int, **parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (beats.KACHUEE_SAMPLES if cutting == "kachuee" else sum(beats.window_samples(before, after, rate)),)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    records: Annotated[
        str, Field(min_length=1, description="where the .hea, .dat and .atr files lie: a folder, or its address")
    ] = "https://physionet.org/files/mitdb/1.0.0/",
    checksums: Annotated[
        bool,
        Field(description="true: check every file against SHA256SUMS.txt beside it; a local folder may lack this file"),
    ] = True,
    only: Annotated[
        Sequence[Annotated[int, one_of(aami.RECORDS)]] | None,
        Field(min_length=1, json_schema_extra=UNIQUE, description="numbers of the records to use; absent: all"),
    ] = None,
    leads: Annotated[
        Sequence[str],
        Field(
            min_length=1,
            json_schema_extra=UNIQUE,
            description="leads to use, each as a channel, at any place in a record. A record that lacks one is left "
            "out; if `only` names this record, it is refused",
        ),
    ] = ("MLII",),
    classes: Annotated[
        Sequence[Annotated[str, one_of(CLASSES)]],
        Field(min_length=2, json_schema_extra=UNIQUE, description="AAMI classes to keep"),
    ] = CLASSES,
    split: Annotated[
        Literal["inter_patient", "random"],
        Field(
            description="inter_patient: train on DS1 and test on DS2 of de Chazal et al. 2004, without paced records. "
            "random: beats are drawn from all records, so a patient lies on both sides"
        ),
    ] = "inter_patient",
    cutting: Annotated[
        Literal["fixed", "kachuee"],
        Field(
            description="fixed: a window around each R peak. kachuee: as Kachuee et al. 2018 cut the beats of "
            "`mitbih`: 187 samples at 125 Hz from the R peak on, scaled to [0, 1] and padded with zeros"
        ),
    ] = "fixed",
    before: Annotated[float, Field(ge=0, le=60, description="for cutting fixed: seconds before the R peak")] = 0.3,
    after: Annotated[float, Field(ge=0, le=60, description="for cutting fixed: seconds after the R peak")] = 0.5,
    rate: Annotated[
        int,
        Field(
            ge=50,
            le=int(mitdb_records.RATE),
            description="for cutting fixed: sampling rate in Hz; below 360 the records are resampled",
        ),
    ] = 360,
    beat_scale: Annotated[
        Literal["none", "standard", "minmax"],
        Field(
            description="for cutting fixed: none (mV; other voltages of a header are converted to it), or each beat "
            "and lead is scaled by itself: standard (mean 0, standard deviation 1) or minmax (to [0, 1])"
        ),
    ] = "none",
) -> RawData:
    """Cut every annotated beat, and say in the notes which were left out.

    `files` holds the files that `addresses` names. With `split: inter_patient` the patient is the group of an example,
    so that validation is by patient too; with `random` there are no groups.

    Raises:
        InputError: a file is broken or has another checksum than published; a lead is missing; a class has too few
            beats.
    """
    numbers = _numbers(split, only)
    paths = {number: {suffix: files[f"{suffix}_{number}"] for suffix in mitdb_records.SUFFIXES} for number in numbers}
    if "sums" in files:
        mitdb_records.check_sums(files["sums"], [path for members in paths.values() for path in members.values()])
    lacking = _records_without(leads, paths, refuse=only is not None)
    cuts, assumed = list[record_beats.RecordBeats](), list[str]()
    for number in numbers:
        if number not in lacking:
            scaled = cutting == "kachuee" or beat_scale != "none"
            record = mitdb_records.read(paths[number], leads, scaled=scaled)
            assumed += record.assumed
            cuts.append(record_beats.cut(number, record, cutting, before, after, rate, beat_scale))
    by_patient = split == "inter_patient"
    sides = {"train": cuts, "test": []}
    if by_patient:
        sides = {side: [cut for cut in cuts if cut.record in records_of] for side, records_of in _SIDES.items()}
    kept = record_beats.kept_classes(sides, classes, split)
    notes = [
        *_about_split(split, [cut.record for cut in cuts], only is None),
        *(f"Left out: record {number}, which has only {comma_list(names)}." for number, names in lacking.items()),
        *([] if "sums" in files else ["The files were not compared with published checksums."]),
        *assumed,
        *record_beats.about_beats(cuts, kept),
    ]
    units = {"none": "mV", "standard": "z-score", "minmax": "scaled amplitude"}
    return RawData(
        train=record_beats.as_examples(sides["train"], kept, grouped=by_patient),
        test=record_beats.as_examples(sides["test"], kept, grouped=True) if by_patient else None,
        classes=kept,
        channels=tuple(leads),
        unit=units["minmax" if cutting == "kachuee" else beat_scale],
        sampling_rate=float(beats.KACHUEE_RATE if cutting == "kachuee" else rate),
        notes=tuple(notes),
        shared_groups=frozenset(aami.patient(number) for number in aami.SAME_PATIENT),
    )


def _numbers(split: str, only: Sequence[int] | None) -> list[int]:
    """Return the numbers of the records to read, ascending."""
    allowed = [number for number in aami.RECORDS if split == "random" or number not in aami.PACED]
    return [number for number in allowed if only is None or number in only]


def _records_without(
    leads: Sequence[str], paths: Mapping[int, Mapping[str, Path]], *, refuse: bool
) -> dict[int, list[str]]:
    """Return the records that lack one of `leads`, with the leads that they have.

    Raises:
        InputError: no record has all leads; or one lacks a lead, where `refuse` says so.
    """
    names_of = {number: mitdb_records.leads_of(files["hea"]) for number, files in paths.items()}
    lacking = {number: names for number, names in names_of.items() if set(leads) - set(names)}
    if lacking and (refuse or len(lacking) == len(names_of)):
        number, names = next(iter(lacking.items()))
        missing = comma_list(lead for lead in leads if lead not in names)
        raise InputError(
            "mitdb.leads",
            f"record {number} does not have {missing}, only {comma_list(names)}.",
            "Name other leads, or leave the record out of only.",
        )
    return lacking


def _about_split(split: str, records: Sequence[int], complete: bool) -> Iterable[str]:
    """Yield the notes on how records are divided; `complete` where the user did not choose among them."""
    if split == "random":
        yield "Beats of one patient are in train and in test: the scores are too good for new patients."
        return
    shared = ""
    if set(aami.SAME_PATIENT) <= set(records):
        shared = ", except that records 201 (DS1) and 202 (DS2) are of one patient, as in the published lists"
    yield f"The source's train is DS1 and its test is DS2 of de Chazal et al. 2004: different patients{shared}."
    if complete:
        yield f"Left out: the records of paced patients, {comma_list(aami.PACED)}."
