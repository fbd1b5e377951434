"""Recordings that cannot be used: each ends with one clear message."""

import copy

import pytest

from pellucid import plugins
from pellucid.config import resolution
from pellucid.config.resolution import ConfigError
from tests.support.good_settings import GOOD, put, refuse
from tests.support.written_records import write_record, write_sums


def bytes_of(name, edit):
    """A change of the bytes of a file of the records."""
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes()))


def header(old, new):
    return bytes_of("100.hea", lambda content: content.replace(old, new))


def turned(content):
    return content[:3000] + bytes([content[3000] ^ 1]) + content[3001:]


RECORDS = [
    (
        "signals cut off",
        bytes_of("100.dat", lambda content: content[:5000]),
        {},
        "100.dat: found a file of 5,000",
        "hea",
    ),
    ("signals with a wrong bit", bytes_of("100.dat", turned), {}, "100.dat: found the checksum", "as 100.hea says"),
    (
        "annotations cut off",
        bytes_of("100.atr", lambda content: content[:-4]),
        {},
        "100.atr: found a file that is cut",
        "",
    ),
    (
        "annotations of noise",
        bytes_of("100.atr", lambda _: b"\xff" * 31 + b"\0\0"),
        {},
        "100.atr: found a file that",
        "",
    ),
    (
        "annotations of a longer record",
        lambda folder: (
            write_record(folder / "long", 100, "NV" * 9) is None
            or (folder / "long" / "100.atr").replace(folder / "100.atr")
        ),
        {},
        "100.atr: its annotations run from sample 288 to 5184",
        "from 0 to 3167",
    ),
    (
        "header that is none",
        bytes_of("100.hea", lambda _: b"\x89PNG"),
        {},
        "100.hea: found a file that cannot",
        "WFDB",
    ),
    ("header of another rate", header(b" 360 ", b" 250 "), {}, "100.hea: found a sampling rate of 250 Hz", "360 Hz"),
    ("header that leads elsewhere", header(b"100.dat", b"101.dat"), {}, "100.hea: found 2 signal(s) in 101.dat", ""),
    (
        "another file",
        lambda folder: write_sums(folder, **{"100_atr": "0" * 64}),
        {},
        "100.atr: found a file of",
        "0" * 64,
    ),
    (
        "lead that is not there",
        None,
        {"leads": ["MLII", "V2"]},
        "mitdb.leads: record 100 does not have V2",
        "only MLII, V1",
    ),
    ("class of one beat", None, {}, "mitdb.classes: found 1 beat(s) of class S", "(classes: [N, V])"),
    (
        "class of no beats",
        None,
        {"classes": ["N", "V", "F"]},
        "mitdb.classes: the chosen records have no beat of F",
        "5 N, 1 S, 4 V)",
    ),
    (
        "window longer than the record",
        None,
        {"before": 30},
        "mitdb: no beat can be cut (10 beats",
        "before and after",
    ),
]


@pytest.mark.parametrize(
    ("edit", "parameters", "first", "then"), [row[1:] for row in RECORDS], ids=[row[0] for row in RECORDS]
)
def test_records(tmp_path, edit, parameters, first, then):
    write_record(tmp_path, 100, "NVNVSNVNVN")
    if edit:
        edit(tmp_path)
    dataset = {"source": "mitdb", "records": str(tmp_path), "only": [100], "split": "random", **parameters}
    source = plugins.load("datasets")["mitdb"]
    paths = source.addresses(**plugins.defaults(source) | {key: dataset[key] for key in ("records", "only", "split")})
    refuse(tmp_path, dataset, paths, first, then)


def test_a_record_without_its_annotations_is_told_with_those_that_are_whole(tmp_path):
    for number in (100, 101):
        write_record(tmp_path, number, "NV")
    (tmp_path / "101.atr").unlink()
    content = copy.deepcopy(GOOD)
    put("run", ["mitdb"])(content)
    put("experiments.mitdb.dataset", {"source": "mitdb", "records": str(tmp_path), "only": [100, 101]})(content)
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    (fault,) = told.value.faults
    assert fault.startswith(f"experiments.mitdb.dataset: mitdb.records: {tmp_path} lacks 101.atr (1 of 6 files).")
    assert "Complete records there: 100;" in fault
