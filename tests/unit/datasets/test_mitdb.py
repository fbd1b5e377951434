"""MIT-BIH's recordings: a real one, and some whose beats are where the test has put them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from pellucid import downloads, files, plugins
from pellucid.config import resolution
from pellucid.datasets import mitdb
from pellucid.datasets.heartbeats import aami, beats
from pellucid.errors import InputError
from tests.support.prepared import prepare
from tests.support.servers import serving
from tests.support.written_records import RATE, write_record, write_sums

BEFORE, AFTER = 108, 180  # samples of the default window, 0.3 and 0.5 s


def load(folder, **parameters):
    complete = {**plugins.defaults(mitdb), "records": str(folder), **parameters}
    mitdb.check(**complete)
    wanted = mitdb.addresses(**complete)
    paths = {name: Path(path) for name, path in wanted.items()}
    return mitdb.load(paths, np.random.default_rng(0), records=str(folder), **parameters)


# The published lists and classes ----------------------------------------------------------------------------------


def test_the_records_are_those_of_de_chazal_et_al():
    # The published lists; 22, 22 and 4 of the 48 records.
    ds1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
    ds2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
    assert " ".join(map(str, aami.DS1)) == ds1
    assert " ".join(map(str, aami.DS2)) == ds2
    assert len(aami.RECORDS) == len(set(aami.RECORDS)) == 48
    # The database is of 47 patients, and its numbers run from 100 to 124 and from 200 to 234.
    assert len({aami.patient(one) for one in aami.RECORDS}) == 47
    assert all(100 <= one <= 124 or 200 <= one <= 234 for one in aami.RECORDS)


def test_fifteen_codes_of_beats_as_wfdb_knows_them():
    known = {label.symbol for label in wfdb.io.annotation.ann_labels}
    codes = [code for codes in aami.CODES.values() for code in codes]
    assert len(codes) == len(set(codes)) == 15
    assert set(codes) <= known
    # MIT's WFDB library: which codes mark a QRS complex.
    is_qrs = {label.symbol for label in wfdb.io.annotation.ann_labels if wfdb.io.annotation.is_qrs[label.label_store]}
    assert set(codes) <= is_qrs


# Record 100 ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record_100(real_data):
    return wfdb.rdrecord(str(real_data / "mitdb" / "100")), wfdb.rdann(str(real_data / "mitdb" / "100"), "atr")


ONE = {"only": [100], "split": "random", "classes": ["N", "S"]}


@pytest.mark.parametrize("cutting", ["fixed", "kachuee"])
def test_every_annotation_of_record_100_is_accounted_for(real_data, record_100, cutting):
    raw = load(real_data / "mitdb", **ONE, cutting=cutting)
    _, annotations = record_100
    assert Counter(annotations.symbol) == {"N": 2239, "A": 33, "V": 1, "+": 1}
    # The first beat has 0.21 s before it, the last 0.03 s after it. The one before the last has 0.74 s: enough for
    # 0.5 s, but not for 1.2 periods.
    notes = " ".join(raw.notes)
    assert np.bincount(raw.train.y).tolist() == [2237, 33]
    assert "Kept: 2,270 of 2,273 annotated beats (2,237 N, 33 S)" in notes
    assert "Left out: 2 beats whose window leaves the record (2 N)." in notes
    assert "classes that were not asked for (1 V)" in notes
    assert "Annotations that mark no beat: 1 +." in notes
    assert "not compared with published checksums" in notes
    assert raw.test is None
    assert raw.train.group is None
    assert raw.notes[0].startswith("Beats of one patient are in train and in test")


def test_a_fixed_window_of_record_100_is_the_recording_around_the_peak(real_data, record_100):
    raw = load(real_data / "mitdb", **ONE)
    record, annotations = record_100
    peaks = annotations.sample[np.isin(annotations.symbol, ["N", "A"])]
    peaks = peaks[(peaks >= BEFORE) & (peaks + AFTER <= record.sig_len)]
    lead = record.p_signal[:, record.sig_name.index("MLII")]
    expected = np.stack([lead[peak - BEFORE : peak + AFTER] for peak in peaks])
    np.testing.assert_array_equal(raw.train.x[..., 0], expected.astype(np.float32))
    assert raw.unit == "mV"
    # The annotations are within 2 samples of the highest one in nearly all beats of this clean record.
    near = raw.train.x[:, BEFORE - 20 : BEFORE + 20, 0].argmax(1) - 20
    assert (np.abs(near) <= 2).mean() > 0.98


def test_beats_of_record_100_as_kachuee_cuts_them_resemble_his(real_data):
    raw = load(real_data / "mitdb", **ONE, cutting="kachuee")
    x = raw.train.x[..., 0]
    assert raw.train.x.shape[1:] == (187, 1)
    assert raw.sampling_rate == 125
    assert x.min() == 0
    assert x.max() == 1
    # From the R peak on (normal beats of this record rise above all else), and zeros after 1.2 periods: 75 beats a
    # minute, as counted over the whole record (2,273 in 1,805 s), make 119 samples.
    assert np.median(x[:, :2].max(1)) > 0.85
    lengths = 187 - (x[:, ::-1] != 0).argmax(1)
    assert abs(np.median(lengths) - 1.2 * 125 * 1805.56 / 2273) <= 2
    # His own rows: some are of this patient, whose 0.6 s after the peak look the same to a correlation above 0.99.
    rows = np.loadtxt(real_data / "mitbih" / "mitbih_train.csv", delimiter=",", dtype=np.float32, max_rows=500)
    ours, his = (part[:, :75] - part[:, :75].mean(1, keepdims=True) for part in (x, rows))
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    his /= np.maximum(np.linalg.norm(his, axis=1, keepdims=True), 1e-6)
    assert (his @ ours.T).max() > 0.99


# Written records ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two patients of DS1 with 201, and two of DS2 with 202; MLII is the second lead of 114."""
    folder = tmp_path_factory.mktemp("mitdb")
    codes = "NNVNNNAN+LRN" + "NV" * 4
    for number in (101, 201, 100, 202):
        write_record(folder, number, codes)
    write_record(folder, 114, codes, leads=("V5", "MLII"), heights=(0.25, 1.0))
    write_record(folder, 102, "/f/f/f", leads=("V5", "V2"))
    return folder


def test_patients_of_ds1_train_and_those_of_ds2_test(written):
    raw = load(written, only=[100, 101, 114, 201, 202], classes=["N", "V"])
    each = Counter("NNVNNNNLRN" + "NV" * 4)  # without A, which is not asked for, and +, which is no beat
    beats_of_one = sum(each.values())
    assert raw.train.group is not None and raw.test is not None
    assert Counter(raw.train.group.tolist()) == {"101": beats_of_one, "114": beats_of_one, "201": beats_of_one}
    # 202 is of the patient of 201, and goes by that name.
    assert Counter(raw.test.group.tolist()) == {"100": beats_of_one, "201": beats_of_one}
    assert np.bincount(raw.test.y).tolist() == [2 * (beats_of_one - each["V"]), 2 * each["V"]]
    notes = " ".join(raw.notes)
    assert "different patients, except that records 201 (DS1) and 202 (DS2) are of one patient" in notes
    assert "Kept by record: 100: 13 N, 5 V; 101:" in notes
    assert "Annotations that mark no beat: 5 +." in notes
    assert "(5 S)" in notes


@pytest.mark.parametrize("rate", [360, 250, 125])
def test_the_r_peak_lies_where_it_should_at_every_rate(written, rate):
    raw = load(written, only=[100, 101], classes=["N", "V"], rate=rate, leads=["V1", "MLII"])
    before = round(0.3 * rate)
    assert raw.train.x.shape[1:] == (before + round(0.5 * rate), 2)
    assert raw.channels == ("V1", "MLII")
    assert raw.sampling_rate == rate
    # A Gaussian of 0.5 mV downwards and of 1 mV upwards, to the 5 µV of a step and half a sample in time.
    wave = raw.train.x[:, before]
    np.testing.assert_allclose(wave, np.tile([-0.5, 1.0], (len(wave), 1)), atol=0.006 if rate == RATE else 0.05)
    assert (raw.train.x[..., 1].argmax(1) == before).all()
    assert (raw.train.x[..., 0].argmin(1) == before).all()


def test_the_lead_is_found_by_its_name(written):
    raw = load(written, only=[100, 114], classes=["N", "V"])
    # MLII, 1 mV high, and not the 0.25 mV of the first lead.
    np.testing.assert_allclose(raw.train.x.max((1, 2)), 1, atol=0.006)


def test_a_record_without_the_lead_is_left_out_and_told(written, tmp_path):
    for number in aami.RECORDS:
        shared = 102 if number == 102 else 114 if number == 114 else 100
        for suffix in ("dat", "atr"):
            (tmp_path / f"{number}.{suffix}").symlink_to(written / f"{shared}.{suffix}")
        text = (written / f"{shared}.hea").read_text()
        (tmp_path / f"{number}.hea").write_text(text.replace(str(shared), str(number)))
    raw = load(tmp_path, split="random", classes=["N", "S", "V"])
    assert "Left out: record 102, which has only V5, V2." in raw.notes
    assert len(raw.train.x) == 47 * 19
    # The paced ones are never read where patients are kept apart.
    assert "Left out: the records of paced patients, 102, 104, 107, 217." in load(tmp_path, classes=["N", "V"]).notes


def test_no_beat_leaves_its_record(tmp_path):
    peaks = [0, BEFORE - 1, BEFORE, 1000, 2000 - AFTER, 2000 - AFTER + 1, 1999]
    write_record(tmp_path, 100, "NSNSSVS", peaks=peaks, samples=2000)
    write_record(tmp_path, 101, "NNNSSS")
    raw = load(tmp_path, only=[100, 101], split="random", classes=["N", "S"])
    assert len(raw.train.x) == 3 + 6
    assert "Left out: 4 beats whose window leaves the record (1 N, 2 S, 1 V)." in raw.notes


def test_a_missing_sample_leaves_out_the_beats_that_hold_it(rng):
    signal = rng.normal(size=(1000, 1))
    signal[500] = np.nan
    peaks = np.array([100, 450, 500, 700])
    x, reasons = beats.fixed(signal, peaks, 60, 60)
    assert reasons == ["", beats.MISSING, beats.MISSING, ""]
    np.testing.assert_array_equal(x[1, :, 0], signal[640:760, 0])


def test_scaling_of_each_beat(rng):
    x = rng.normal(3, 2, (5, 40, 2)).astype(np.float32)
    x[0, :, 1] = 7
    standard, minmax = beats.scale_each(x, "standard"), beats.scale_each(x, "minmax")
    np.testing.assert_allclose(standard.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(1)[1:], 1, atol=1e-5)
    np.testing.assert_array_equal(minmax.min(1), 0)
    np.testing.assert_array_equal(minmax.max(1)[1:], 1)
    assert not standard[0, :, 1].any() and not minmax[0, :, 1].any()
    assert beats.scale_each(x, "none") is x


def test_kachuees_cut_by_hand():
    """Three windows: one with peaks every 100 samples, one with a lone peak, one with peaks every 170."""
    signal = np.zeros((3 * 1250, 1))
    peaks = np.concatenate([np.arange(50, 1250, 100), [1800], np.arange(2600, 3750, 170)])
    signal[peaks] = 2
    signal[300] = -2
    x, reasons, _ = beats.kachuee(signal, peaks)
    # In the first, [-2, 2] becomes [0, 1], and 1.2 × 100 samples are kept, the next R peak among them; in the third,
    # 1.2 × 170 are more than 187, and the last peak, at 3620, has no 187 samples after it.
    assert reasons == [""] * 12 + [beats.ALONE] + [""] * 6 + [beats.OUTSIDE]
    assert x.shape == (18, 187, 1)
    first = np.full(187, 0.5)
    first[[0, 100]] = 1
    first[120:] = 0
    np.testing.assert_array_equal(x[0, :, 0], first)
    third = np.zeros(187)
    third[[0, 170]] = 1
    np.testing.assert_array_equal(x[12, :, 0], third)


# Files --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path):
    """A folder that this machine serves, and its address."""
    served = tmp_path / "served"
    for number in (100, 101):
        write_record(served, number, "NNNNVVVV")
    with serving(served) as address:
        yield served, f"{address}/"


def test_a_mirror_is_checked_against_the_published_sums(mirror, tmp_path):
    served, address = mirror
    parameters = {"only": [100, 101], "classes": ["N", "V"]}
    write_sums(served)
    complete = {**plugins.defaults(mitdb), "records": address, **parameters}
    wanted = mitdb.addresses(**complete)
    assert wanted["dat_101"] == f"{address}101.dat"
    assert len(wanted) == 7
    # Each file lies in a folder of its own, as the download rule leaves them.
    paths = {name: tmp_path / downloads.place(url) for name, url in wanted.items()}
    for name, url in wanted.items():
        downloads.fetch(url, "none", paths[name])
    raw = mitdb.load(paths, np.random.default_rng(0), **parameters)
    assert (len(raw.train.x), len(raw.test.x)) == (8, 8)
    assert not any("checksums" in note for note in raw.notes)
    for sums, message in (({"100_dat": "0" * 64}, "100.dat: found a file of"), ({}, "there is no checksum of 100.hea")):
        write_sums(served, **sums)
        text = (served / "SHA256SUMS.txt").read_text()
        (served / "SHA256SUMS.txt").write_text(text if sums else text.partition("100.hea\n")[2])
        downloads.fetch(wanted["sums"], "none", paths["sums"])
        with pytest.raises(InputError, match=message):
            mitdb.load(paths, np.random.default_rng(0), **parameters)
    assert "sums" not in mitdb.addresses(**complete | {"checksums": False})


def test_through_preprocessing_validation_is_by_patient_too(tmp_path):
    numbers = [*aami.DS1[:8], *aami.DS2[:2]]
    for number in numbers:
        write_record(tmp_path / "records", number, "NNNNVVVV")
    settings = {
        "run": ["mitdb"],
        "experiments": {
            "mitdb": {
                "dataset": {
                    "source": "mitdb",
                    "records": str(tmp_path / "records"),
                    "only": numbers,
                    "classes": ["N", "V"],
                },
                "model": {"architecture": "heartbeat_cnn"},
            }
        },
    }
    experiment = resolution.resolve(settings).experiments["mitdb"]
    paths = dict(resolution.files(experiment, "dataset"))
    prepare(tmp_path / "data", experiment["dataset"], paths=paths, split=experiment["split"], scale="standard")
    data_info = files.read_json(tmp_path / "data" / "data.json")
    groups = {name: set(members) for name, members in data_info["groups"].items()}
    assert groups["test"] == {"100", "103"}
    assert groups["train"] | groups["validation"] == {str(one) for one in aami.DS1[:8]}
    assert not groups["train"] & groups["validation"]
    first = "The source's train is DS1 and its test is DS2 of de Chazal et al. 2004: different patients."
    assert data_info["notes"][0] == first
    assert data_info["shape"] == [BEFORE + AFTER, 1]
