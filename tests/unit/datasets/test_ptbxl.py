"""PTB-XL: 400 real records counted by pandas and read by wfdb, and made-up ones with what must be refused."""

import ast
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import wfdb

from pellucid import plugins
from pellucid.config import resolution
from pellucid.datasets import ptbxl
from pellucid.datasets.heartbeats import ptbxl_files, ptbxl_signals
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from tests.support import written_ptbxl
from tests.support.written_ptbxl import LEADS, STATEMENTS, write, write_sums


def load(folder, *, files=None, scratch=None, **parameters):
    place = {} if folder is None else {"folder": str(folder)}
    complete = {**plugins.defaults(ptbxl), **place, **parameters}
    if files is None:
        ptbxl.check(**complete)
        assert ptbxl.addresses(**complete) == {}
    more = {} if scratch is None else {"scratch": scratch}
    return ptbxl.load(files or {}, np.random.default_rng(0), **place, **parameters, **more)


# The 400 real records -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables(real_data):
    """The two published tables, by pandas alone, and the codes of each record."""
    records = pd.read_csv(real_data / "ptbxl" / "ptbxl_database.csv", index_col="ecg_id")
    statements = pd.read_csv(real_data / "ptbxl" / "scp_statements.csv", index_col=0)
    return records, statements, records.scp_codes.map(ast.literal_eval)


@pytest.fixture(scope="module")
def small(real_data):
    return load(real_data / "ptbxl")


def counted(codes, label_of):
    return Counter(label for row in codes for label in {label_of[code] for code in row if code in label_of})


@pytest.mark.parametrize("kind", ["superclass", "subclass", "form", "rhythm", "all"])
def test_each_label_has_as_many_records_in_each_fold_as_the_tables_say(real_data, tables, kind):
    records, statements, codes = tables
    of_diagnosis = statements[statements.diagnostic == 1]
    label_of = {
        "superclass": of_diagnosis.diagnostic_class.to_dict(),
        "subclass": of_diagnosis.diagnostic_subclass.to_dict(),
        "all": {code: code for code in statements.index},
        "form": {code: code for code in statements.index[statements.form == 1]},
        "rhythm": {code: code for code in statements.index[statements.rhythm == 1]},
    }[kind]
    assert len(set(label_of.values())) == {"superclass": 5, "subclass": 23, "all": 71, "form": 19, "rhythm": 12}[kind]
    raw = load(real_data / "ptbxl", labels=kind)
    for part, folds in ((raw.train, range(1, 9)), (raw.validation, [9]), (raw.test, [10])):
        expected = counted(codes[records.strat_fold.isin(folds)], label_of)
        assert dict(zip(raw.classes, part.y.sum(0).tolist(), strict=True)) == {
            name: expected[name] for name in raw.classes
        }
        assert part.y.any(axis=1).all()
    # Only labels that no training record has are missing.
    in_training = counted(codes[records.strat_fold <= 8], label_of)
    assert set(raw.classes) == set(in_training)


def test_a_likelihood_leaves_out_weaker_diagnoses_and_unknown_ones(real_data, tables):
    records, statements, codes = tables
    label_of = statements[statements.diagnostic == 1].diagnostic_class.to_dict()
    sure = codes.map(lambda row: [code for code, percent in row.items() if percent >= 80])
    raw = load(real_data / "ptbxl", likelihood=80)
    parts = [raw.train, raw.validation, raw.test]
    expected = counted(sure, label_of)
    assert dict(zip(raw.classes, sum(part.y.sum(0, np.int64) for part in parts).tolist(), strict=True)) == expected
    without = sum(not any(code in label_of for code in row) for row in sure)
    assert f"Left out: {without} of 400 records" in " ".join(raw.notes)
    assert "below 80 % do not count, nor do those whose likelihood is not known" in " ".join(raw.notes)
    # Statements of form and rhythm have no likelihood, and stay.
    all_at_80 = load(real_data / "ptbxl", labels="all", likelihood=80)
    assert all_at_80.classes[-1] == "PACE"
    assert all_at_80.test.y[:, all_at_80.classes.index("SR")].sum() == sum(
        "SR" in row for row in codes[records.strat_fold == 10]
    )


def test_signals_are_those_that_wfdb_reads_and_the_bytes_of_the_file(real_data, tables, small):
    records, _, codes = tables
    statements = tables[1]
    diagnostic = set(statements.index[statements.diagnostic == 1])
    kept = records[codes.map(lambda row: bool(diagnostic & set(row)))]
    for part, folds in ((small.train, range(1, 9)), (small.validation, [9]), (small.test, [10])):
        members = kept[kept.strat_fold.isin(folds)]
        assert part.x.shape == (len(members), 1000, 12)
        assert part.group.tolist() == [str(int(patient)) for patient in members.patient_id]
        for place in (0, len(members) // 2, len(members) - 1):
            path = real_data / "ptbxl" / members.filename_lr.iloc[place]
            np.testing.assert_array_equal(part.x[place], wfdb.rdrecord(str(path)).p_signal.astype(np.float32))
            raw = np.fromfile(f"{path}.dat", "<i2").reshape(1000, 12)
            np.testing.assert_allclose(part.x[place], raw / 1000, rtol=1e-6)
    assert small.channels == ("I", "II", "III", "aVR", "aVL", "aVF", *LEADS[6:])
    assert (small.unit, small.sampling_rate, small.task) == ("mV", 100.0, "multi_label")


def test_500_hz_is_the_same_ecg_and_leads_come_in_the_order_asked_for(real_data):
    source = ptbxl_files.Checked(ptbxl_files.Folder(real_data / "ptbxl"), True)
    fine = ptbxl_files.signal(source, "records500/00000/00001_hr", ["V2", "II"], 500)
    coarse = ptbxl_files.signal(source, "records100/00000/00001_lr", ptbxl_signals.LEADS, 100)
    assert fine.shape == (5000, 2)
    np.testing.assert_array_equal(fine, wfdb_leads(real_data, ["V2", "II"]))
    averaged = fine.reshape(1000, 5, 2).mean(1)
    assert np.corrcoef(averaged[:, 1], coarse[:, 1])[0, 1] > 0.95


def wfdb_leads(real_data, leads):
    record = wfdb.rdrecord(str(real_data / "ptbxl/records500/00000/00001_hr"))
    return record.p_signal[:, [record.sig_name.index(lead) for lead in leads]].astype(np.float32)


def test_no_patient_is_in_two_splits_and_the_notes_tell_the_folds(small):
    groups = [set(part.group.tolist()) for part in (small.train, small.validation, small.test)]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    notes = " ".join(small.notes)
    assert "published folds: 1 to 8 to train on, 9 to validate, 10 to test" in notes
    assert "MI (myocardial infarction)" in notes
    assert "Left out: 10 of 400 records, which have no label of superclass." in notes


# Made-up records ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("ptbxl") / "data", written_ptbxl.rows())


@pytest.fixture
def copy(written, tmp_path):
    """A copy of the database, of which a test may damage something."""
    import shutil

    return shutil.copytree(written, tmp_path / "data")


def test_the_archive_gives_what_the_folder_gives_beyond_memory_too(written, tmp_path):
    archive = written_ptbxl.zipped(written, tmp_path / "ptbxl.zip")
    by_folder = load(written)
    by_archive = load(None, files={"archive": archive}, scratch=SpillBuffer(tmp_path, 0))
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(by_folder, part).x, getattr(by_archive, part).x)
        np.testing.assert_array_equal(getattr(by_folder, part).y, getattr(by_archive, part).y)
    assert isinstance(by_archive.train.x, np.memmap)
    assert by_folder.classes == ("NORM", "MI")
    assert (len(by_folder.train.x), len(by_folder.validation.x), len(by_folder.test.x)) == (20, 2, 2)


def test_drawn_folds_leave_the_division_to_split(written):
    raw = load(written, folds="drawn")
    assert raw.test is None
    assert raw.validation is None
    assert len(raw.train.x) == 24


def changed(number, **cells):
    return [row | cells if row["ecg_id"] == number else row for row in written_ptbxl.rows()]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (changed(3, strat_fold=10), "records 4 (fold 2) and 3 (fold 10) of patient 1001, in train and test"),
        (changed(3, strat_fold=11), "line 4: found the strat_fold 11; expected a fold from 1 to 10"),
        (
            changed(5, scp_codes="{'NORM': 100.0, 'XYZ': 0.0}"),
            'found the statement "XYZ"; expected one of the statements',
        ),
        (
            changed(5, scp_codes="{'NORM': 101.0}"),
            'found the likelihood "101.0" of NORM; expected a number from 0 to 100',
        ),
        (changed(5, scp_codes="NORM"), 'line 6, scp_codes: found "NORM"; expected statements with their likelihoods'),
        (changed(5, ecg_id=4), "found the record 4 again; expected each record once"),
        (changed(5, patient_id=""), "line 6: found the record 5 of patient nan; expected whole numbers"),
        (changed(5, filename_lr="../00005_lr"), 'the filename_lr "../00005_lr"; expected a name like records100'),
        ([row for row in written_ptbxl.rows() if row["strat_fold"] != 9], "in fold 9, the published validation set"),
        (
            [row | {"scp_codes": "{'NORM': 1}"} for row in written_ptbxl.rows()],
            "found 0 label(s) of 5 with records to train on",
        ),
        ([{"ecg_id": 1}], "no column patient_id, scp_codes, strat_fold, filename_lr"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(copy, table, message):
    write_table = copy / "ptbxl_database.csv"
    pd.DataFrame(table).to_csv(write_table, index=False)
    write_sums(copy)
    with pytest.raises(InputError) as error:
        load(copy)
    assert message in str(error.value)


def header_of(copy, old, new):
    path = copy / "records100/00000/00001_lr.hea"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "records100/00000/00001_lr.dat").unlink(), "00001_lr.dat: there is no such file."),
        (
            lambda path: header_of(path, "_lr 12 100 1000", "_lr 12 250 1000"),
            '"00001_lr 12 250 1000" and 12 other(s); expected "00001_lr (number of leads) 100 1000"',
        ),
        (lambda path: header_of(path, "AVF", "V1"), "found two leads named V1; expected each lead once"),
        (lambda path: header_of(path, " V6", " X"), "found no lead V6, only I, II, III"),
        (lambda path: header_of(path, "1000.0(0)/mV", "1000.0(0)/uV"), "expected one like"),
        (
            lambda path: (path / "records100/00000/00001_lr.dat").write_bytes(bytes(23_990)),
            "found a file of 23,990 bytes; expected 24,000 bytes",
        ),
        (
            lambda path: (path / "records100/00000/00001_lr.dat").write_bytes(bytes(24_000)),
            "found 0 and the checksum 0 for lead I",
        ),
        (lambda path: (path / "scp_statements.csv").unlink(), "scp_statements.csv: there is no such file."),
        (
            lambda path: (path / "scp_statements.csv").write_bytes(b"\xff\xfe\0"),
            "scp_statements.csv: found a file that cannot be read",
        ),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(copy, damage, message):
    damage(copy)
    write_sums(copy)
    with pytest.raises(InputError) as error:
        load(copy)
    assert message in str(error.value)


def test_a_wrong_checksum_and_an_unlisted_file_are_refused(copy):
    data = copy / "records100/00000/00001_lr.dat"
    data.write_bytes(data.read_bytes()[::-1])
    with pytest.raises(
        InputError, match=r"00001_lr.dat: found a file of 24,000 bytes with SHA-256 \w+; expected SHA-256"
    ):
        load(copy)
    sums = copy / "SHA256SUMS.txt"
    sums.write_text("\n".join(line for line in sums.read_text().splitlines() if "00001_lr.dat" not in line))
    with pytest.raises(InputError, match="there is no checksum of records100/00000/00001_lr.dat"):
        load(copy)
    sums.unlink()
    with pytest.raises(InputError, match="there is no list of checksums. With checksums: false"):
        load(copy)


def test_a_sample_that_is_marked_as_missing_is_refused(written):
    content = np.zeros((1000, 12), "<i2")
    content[7, 1] = -(2**15)
    announced = {
        lead: ptbxl_signals.Lead(1000.0, 0, 0, int(column.sum()) % 2**16)
        for lead, column in zip(ptbxl_signals.LEADS, content.astype(int).T, strict=True)
    }
    with pytest.raises(InputError, match="samples of lead II that are marked as missing"):
        ptbxl_signals.millivolts(content.tobytes(), "x.dat", announced, ptbxl_signals.LEADS, 100)
    # A lead that is not read may have them.
    assert not ptbxl_signals.millivolts(content.tobytes(), "x.dat", announced, ["I"], 100).any()


def test_an_archive_of_something_else_is_refused(tmp_path, written):
    import zipfile

    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match="found no file.s. named ptbxl_database.csv; expected one"):
        load(None, files={"archive": other})
    (tmp_path / "no.zip").write_bytes(b"no zip at all")
    with pytest.raises(InputError, match="expected the zip archive of PTB-XL"):
        load(None, files={"archive": tmp_path / "no.zip"})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"folder": "data", "archive": "https://example.org/other.zip"}, "found both; expected one of them"),
        ({"labels": "rhythm", "likelihood": 50.0}, "found 50 beside labels: rhythm; expected 0"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused_before_any_data(parameters, message):
    with pytest.raises(InputError) as error:
        ptbxl.check(**{**plugins.defaults(ptbxl), **parameters})
    assert message in str(error.value)


def test_statements_are_refused_that_have_no_superclass(copy):
    broken = [row | ({"diagnostic_class": "OTHER"} if row[""] == "IMI" else {}) for row in STATEMENTS]
    write(copy, written_ptbxl.rows(), broken)
    with pytest.raises(InputError, match="the diagnostic statement IMI of class OTHER; expected one of NORM, MI"):
        load(copy)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"leads": ["II", "V7"]}, 'dataset.leads.1: found "V7" (a text); expected one of I, II, III, aVR'),
        ({"leads": ["II", "II"]}, "dataset.leads: found ['II', 'II'] (a list); expected each entry once"),
        ({"likelihood": 101}, "dataset.likelihood: found 101 (a whole number); expected at most 100"),
        ({"rate": 250}, "dataset.rate: found 250 (a whole number); expected one of 100, 500"),
        ({"labels": "superclasses"}, 'dataset.labels: found "superclasses" (a text); expected one of superclass'),
        ({"folder": "/no/such/folder"}, "found no folder at /no/such/folder"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(parameters, message):
    experiment = {"dataset": {"source": "ptbxl", **parameters}, "model": {"architecture": "gap_cnn"}}
    with pytest.raises(resolution.ConfigError) as error:
        resolution.resolve({"run": ["ptbxl"], "experiments": {"ptbxl": experiment}})
    assert message in str(error.value)
