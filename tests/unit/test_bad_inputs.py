"""The table of bad inputs: each ends with its one clear message, and leaves nothing half-written."""

import copy
import json
import zipfile

import numpy as np
import pytest
import yaml

from pellucid import config, files, plugins
from pellucid.config import ConfigError
from pellucid.errors import InputError
from pellucid.explain import deep_shap
from pellucid.explain.run import run
from pellucid.preprocessing import preprocess
from pellucid.probe import Probe
from pellucid.selection import select
from pellucid.training import train
from tests.conftest import ROOT
from tests.unit.datasets.written_records import write_record, write_sums

GOOD = yaml.safe_load((ROOT / "config.yaml").read_text())


# Configuration -------------------------------------------------------------------------------------------------------


def put(path, value):
    """A change of the good configuration: `value` at the dotted `path`; None removes the key."""

    def change(content):
        *parents, last = path.split(".")
        for parent in parents:
            content = content.setdefault(parent, {}) if isinstance(content, dict) else content[int(parent)]
        if value is None:
            del content[last]
        else:
            content[last] = value

    return change


CONFIG = [
    (
        "a fold, and no folds",
        put("experiments.digits.split", {"fold": 2}),
        "digits.split.fold: found 2",
        "folds beside",
    ),
    ("a fold too many", put("experiments.digits.split", {"folds": 3, "fold": 3}), "fold: found 3", "from 0 to 2"),
    (
        "vary a key misspelt",
        put("experiments.digits.vary", {"training.learning_rat": [0.1]}),
        'experiments.digits.vary: found unknown key "training.learning_rat"',
        'Did you mean "training.learning_rate"?',
    ),
    (
        "vary a parameter that the model has not",
        put("experiments.digits.vary", {"model.filters": [[8], [16]]}),
        'experiments.digits.vary: found unknown key "model.filters"',
        "the dotted name of a setting",
    ),
    (
        "vary no values",
        put("experiments.digits.vary", {"seed": []}),
        "experiments.digits.vary.seed: found [] (a list)",
        "at least 1",
    ),
    ("vary nothing", put("experiments.digits.vary", {}), "experiments.digits.vary: found {}", "at least 1"),
    (
        "vary one value twice",
        put("experiments.digits.vary", {"seed": [1, 1]}),
        "experiments.digits.vary.seed: found [1, 1]",
        "each entry once",
    ),
    (
        "vary a value that is no list",
        put("experiments.digits.vary", {"seed": 3}),
        "experiments.digits.vary.seed: found 3 (a whole number)",
        "expected a list",
    ),
    (
        "a varied value of the wrong type",
        put("experiments.digits.vary", {"training.epochs": [3, 0.5]}),
        "experiments.digits__epochs_0p5.training.epochs: found 0.5",
        "a whole number",
    ),
    (
        "a varied parameter out of range",
        put("experiments.digits.vary", {"model.dropout": [0.5, 2]}),
        "experiments.digits__dropout_2.model.dropout: found 2",
        "less than 1",
    ),
    (
        "all of what has no number",
        put("experiments.digits.vary", {"seed": "all"}),
        'experiments.digits.vary.seed: found "all"',
        "expected a list of values. Only split.fold has all",
    ),
    (
        "all folds of none",
        put("experiments.digits.vary", {"split.fold": "all"}),
        'experiments.digits.vary.split.fold: found "all", and no number of folds',
        "expected split.folds",
    ),
    (
        "too many members",
        put("experiments.digits.vary", {"seed": list(range(15)), "training.epochs": list(range(14))}),
        "experiments.digits: found 15 × 14 = 210 members",
        "at most 200",
    ),
    (
        "two members of one name",
        put("experiments.digits.vary", {"dataset.source": ["digits", "Digits"]}),
        "which would both be named digits__source_digits",
        "whose letters and digits differ",
    ),
    (
        "a member named as another experiment",
        lambda content: (
            put("experiments.digits.vary", {"seed": [1, 2]})(content),
            put("experiments.digits__seed_2", content["experiments"]["mnist"])(content),
        ),
        "experiments.digits: found a member named digits__seed_2",
        "names that differ",
    ),
    (
        "a name too long for a file system",
        put("experiments.digits.vary", {"model.architecture": ["x" * 150]}),
        "experiments.digits: found a member whose name has 171 characters",
        "at most 120",
    ),
    ("one repeat", put("experiments.digits.repeats", 1), "experiments.digits.repeats: found 1", "at least 2"),
    (
        "repeats of what is varied",
        lambda content: (
            put("experiments.digits.vary", {"training.seed": [1, 2]})(content),
            put("experiments.digits.repeats", 2)(content),
        ),
        "experiments.digits.repeats: found 2, and the seeds of the training under vary",
        "one of the two",
    ),
    (
        "vary for all experiments",
        put("defaults.vary", {"seed": [1, 2]}),
        'defaults: found unknown key "vary"',
        "expected one of",
    ),
    (
        "a member that the study has not",
        lambda content: (
            put("experiments.digits.vary", {"seed": [1, 2]})(content),
            put("run", ["digits__seed_3"])(content),
        ),
        'run.0: found "digits__seed_3"',
        'Did you mean "digits__seed_',
    ),
    (
        "name of the folder of comparisons",
        lambda content: put("experiments.comparison", content["experiments"]["digits"])(content),
        "experiments: found",
        "folders of the workflow",
    ),
    ("top key misspelt", put("exeriments", {}), 'found unknown key "exeriments"', 'Did you mean "experiments"?'),
    ("no experiments", put("experiments", None), "config.yaml", "expected the key experiments as well"),
    ("nothing to run", put("run", []), "run: found [] (a list)", "at least 1"),
    ("one thing twice to run", put("run", ["digits", "digits"]), "run: found", "each entry once"),
    ("unknown experiment", put("run", ["digts"]), 'run.0: found "digts"', 'Did you mean "digits"?'),
    (
        "setting misspelt",
        put("experiments.digits.training.epoch", 3),
        'experiments.digits.training: found unknown key "epoch"',
        'Did you mean "epochs"?',
    ),
    ("text for a number", put("defaults.training.epochs", "many"), 'defaults.training.epochs: found "many"', "a whole"),
    (
        "exponent without a point",
        put("defaults.training.learning_rate", "1e-3"),
        'found "1e-3" (a text); expected a number',
        "write 0.001",
    ),
    ("fewer than no epochs", put("defaults.training.epochs", -1), "defaults.training.epochs: found -1", "at least 0"),
    (
        "focal loss of a negative exponent",
        put("defaults.training.focal_gamma", -1),
        "defaults.training.focal_gamma: found -1",
        "more than 0",
    ),
    (
        "labels smoothed away",
        put("defaults.training.label_smoothing", 1),
        "defaults.training.label_smoothing: found 1",
        "less than 1",
    ),
    (
        "unknown schedule",
        put("defaults.training.schedule", "cosin"),
        'defaults.training.schedule: found "cosin"',
        'Did you mean "cosine"?',
    ),
    (
        "unknown optimizer",
        put("defaults.training.optimizer", "adamax"),
        'defaults.training.optimizer: found "adamax"',
        "one of adam, adamw, sgd",
    ),
    (
        "warm-up as long as the training",
        put("experiments.digits.training.warmup_epochs", 15),
        "experiments.digits.training.warmup_epochs: found 15",
        "fewer than the 15 epochs",
    ),
    (
        "patience below zero",
        put("defaults.training.early_stopping", {"patience": -1}),
        "defaults.training.early_stopping.patience: found -1",
        "at least 0",
    ),
    (
        "patience misspelt",
        put("defaults.training.reduce_on_plateau", {"patient": 3}),
        'reduce_on_plateau: found unknown key "patient"',
        'Did you mean "patience"?',
    ),
    (
        "weight decay that adam has not",
        put("experiments.digits.training.weight_decay", 0.01),
        "experiments.digits.training.weight_decay: found 0.01, and the optimizer adam",
        "adamw",
    ),
    (
        "heartbeats that are mirrored",
        put("experiments.synthetic_ecg.training.augmentation", {"flip": "horizontal"}),
        "experiments.synthetic_ecg.training.augmentation.flip: found a transformation of image data",
        "expected one for series data: time_warp, shift, scale, jitter",
    ),
    (
        "images whose time is warped",
        put("experiments.digits.training.augmentation", {"time_warp": 0.2}),
        "experiments.digits.training.augmentation.time_warp: found a transformation of series data",
        "rotation, flip, shift, brightness, jitter",
    ),
    (
        "time that would stand still",
        put("defaults.training.augmentation", {"time_warp": 1}),
        "defaults.training.augmentation.time_warp: found 1",
        "less than 1",
    ),
    (
        "precision that training has not",
        put("defaults.training.precision", "float16"),
        'defaults.training.precision: found "float16"',
        "float32, mixed_bfloat16",
    ),
    ("fraction of an epoch", put("defaults.training.epochs", 1.5), "found 1.5 (a number)", "a whole number"),
    ("truth for a number", put("threads", True), "threads: found True (true or false)", "a whole number"),
    ("share above one", put("defaults.split.test", 1.2), "defaults.split.test: found 1.2", "less than 1"),
    (
        "unknown choice",
        put("defaults.examples.choose", "corect"),
        'defaults.examples.choose: found "corect"',
        'Did you mean "correct"?',
    ),
    ("list for a mapping", put("defaults.methods", ["saliency"]), "defaults.methods: found", "a mapping (key: value)"),
    (
        "unknown source",
        put("experiments.digits.dataset.source", "digit"),
        'experiments.digits.dataset.source: found "digit"',
        'Did you mean "digits"?',
    ),
    (
        "unknown architecture",
        put("experiments.digits.model.architecture", "digits_cnn"),
        'experiments.digits.model.architecture: found "digits_cnn"',
        'Did you mean "digit_cnn"?',
    ),
    (
        "series model for images",
        put("experiments.digits.model.architecture", "heartbeat_cnn"),
        'found "heartbeat_cnn", which takes series data',
        'expected one that takes the image data of "digits": application, digit_cnn, function, gap_cnn, keras_file',
    ),
    (
        "parameter of the source misspelt",
        put("experiments.mitbih.dataset.sample", 186),
        'experiments.mitbih.dataset: found unknown key "sample"',
        'Did you mean "samples"?',
    ),
    (
        "source without its file",
        put("experiments.mitbih.dataset.train", None),
        "experiments.mitbih.dataset: found",
        "expected the key train as well",
    ),
    (
        "checksum of another length",
        put("experiments.mitbih.dataset.train_sha256", "abc"),
        'experiments.mitbih.dataset.train_sha256: found "abc"',
        "SHA-256",
    ),
    (
        "checksum of another kind",
        put("experiments.mitbih.dataset.train_md5", "0" * 64),
        "experiments.mitbih.dataset.train_md5: found",
        "MD5",
    ),
    (
        "weights that are not there",
        lambda content: (
            put("run", ["photographs"])(content),
            put("experiments.photographs.model.weights", "data/vgg16.h5")(content),
        ),
        "experiments.photographs.model.weights: found no file at data/vgg16.h5",
        "About this model: Simonyan",
    ),
    (
        "unknown network of keras.applications",
        put("experiments.photographs.model", {"architecture": "application", "name": "Resnet50"}),
        'experiments.photographs.model.name: found "Resnet50"',
        'Did you mean "ResNet50"?',
    ),
    (
        "head of no network",
        put("experiments.photographs.model", {"architecture": "application", "head": "mean"}),
        'experiments.photographs.model.head: found "mean"',
        "one of published, average",
    ),
    (
        "class activation maps of a network that ends in dense layers",
        lambda content: (
            put("run", ["photographs"])(content),
            put("experiments.photographs.model", {"architecture": "application", "name": "VGG19"})(content),
            put("experiments.photographs.methods.cam", {})(content),
        ),
        "experiments.photographs.methods.cam: found a method that needs gap",
        '"application" has no gap',
    ),
    (
        "labels of another set",
        put("experiments.photographs.dataset.labels", "imagenett"),
        'experiments.photographs.dataset.labels: found "imagenett"',
        'Did you mean "imagenet"?',
    ),
    (
        "class index that is not there",
        lambda content: (
            put("run", ["photographs"])(content),
            put("experiments.photographs.dataset.labels", "imagenet")(content),
            put("experiments.photographs.dataset.class_index", "data/index.json")(content),
        ),
        "experiments.photographs.dataset.class_index: found no file at data/index.json",
        "expected a file there",
    ),
    (
        "filters without kernels",
        lambda content: (
            put("experiments.digits.model.architecture", "gap_cnn")(content),
            put("experiments.digits.model.filters", [8, 8])(content),
        ),
        "experiments.digits.model: gap_cnn.kernels: found 3 sizes",
        "2, as many as there are filters",
    ),
    (
        "crops larger than the photograph's parts",
        put("experiments.photographs.dataset.size", 321),
        "experiments.photographs.dataset.size: found 321",
        "at most 320",
    ),
    (
        "more crops than places",
        lambda content: put(
            "experiments.photographs.dataset", {"source": "sample_photographs", "size": 320, "test_per_class": 109}
        )(content),
        "experiments.photographs.dataset: sample_photographs.test_per_class: found 109 crops of 320 pixels",
        "at most 108",
    ),
    (
        "method that the model's end does not allow",
        put("experiments.digits.methods.cam", {}),
        "experiments.digits.methods.cam: found a method that needs gap",
        '"digit_cnn" has no gap',
    ),
    (
        "parameter of the model out of range",
        put("experiments.digits.model.dropout", 1),
        "experiments.digits.model.dropout: found 1",
        "less than 1",
    ),
    (
        "unknown method",
        put("defaults.methods.gradcam", {}),
        'defaults.methods: found "gradcam"',
        'Did you mean "grad_cam"?',
    ),
    (
        "parameter of the method misspelt",
        put("experiments.digits.methods.occlusion.windw", 3),
        'experiments.digits.methods.occlusion: found unknown key "windw"',
        'Did you mean "window"?',
    ),
    (
        "window of the wrong type",
        put("experiments.digits.methods.occlusion.window", "wide"),
        'experiments.digits.methods.occlusion.window: found "wide"',
        "a whole number from 1 or a list",
    ),
    (
        "sweep over a misspelt parameter",
        put("experiments.digits.methods.occlusion.sweep", {"windows": [3]}),
        'experiments.digits.methods.occlusion.sweep: found unknown key "windows"',
        'Did you mean "window"?',
    ),
    (
        "sweep over one value",
        put("experiments.digits.methods.occlusion.sweep", {"window": 3}),
        "experiments.digits.methods.occlusion.sweep.window: found 3",
        "a list",
    ),
    ("tracking address", put("tracking.uri", "mlruns"), 'tracking.uri: found "mlruns"', "database"),
    ("experiment name", put("experiments.My-set", {}), "experiments: found", "My-set"),
    (
        "whole number with a point",
        put("experiments.digits.methods.occlusion.window", 3.0),
        "occlusion.window: found 3.0",
        "a whole number from 1",
    ),
    (
        "epochs with a point",
        put("defaults.training.epochs", 5.0),
        "defaults.training.epochs: found 5.0",
        "a whole number",
    ),
    (
        "not a number",
        put("defaults.training.learning_rate", float("nan")),
        "found nan (not a finite number)",
        "a number",
    ),
    ("infinite share", put("defaults.split.test", float("inf")), "defaults.split.test: found inf", "a number"),
    (
        "gaps between windows",
        put("experiments.digits.methods.occlusion.stride", 4),
        "methods.occlusion: occlusion.stride: found 4",
        "without gaps",
    ),
    (
        "slowest above fastest",
        put("experiments.synthetic_ecg.dataset.rate_min", 99),
        "experiments.synthetic_ecg.dataset",
        "rate_max",
    ),
    (
        "a method that is a number",
        lambda content: content["defaults"]["methods"].update({1: {}}),
        'defaults.methods: found "1"',
        "one of",
    ),
    (
        "name of a folder of the workflow",
        put("experiments.downloads", {}),
        "experiments: found",
        "folders of the workflow",
    ),
    (
        "random labels for a model that is not trained",
        lambda content: (
            put("experiments.digits.training.epochs", 0)(content),
            put("experiments.digits.scores", {"random_labels": {"epochs": 5}})(content),
        ),
        "experiments.digits.scores.random_labels: found a score that needs training",
        "training.epochs is 0",
    ),
    (
        "no epochs on random labels",
        put("defaults.scores.random_labels", {"epochs": 0}),
        "defaults.scores.random_labels.epochs: found 0",
        "a whole number from 1",
    ),
    ("seed below zero", put("experiments.digits.seed", -1), "experiments.digits.seed: found -1", "at least 0"),
    ("file that is not there", put("run", ["mitbih"]), "experiments.mitbih.dataset.train: found no file", "kaggle"),
    (
        "file on another machine",
        lambda content: (
            put("run", ["mnist"])(content),
            put("experiments.mnist.dataset.file", "file://host/a.npz")(content),
        ),
        "experiments.mnist.dataset.file: found file://host/a.npz",
        "another machine",
    ),
    (
        "scheme that is not supported",
        lambda content: (
            put("run", ["mnist"])(content),
            put("experiments.mnist.dataset.file", "s3://bucket/a.npz")(content),
        ),
        "experiments.mnist.dataset.file: found s3://bucket/a.npz",
        "http://",
    ),
    (
        "record that the database does not have",
        put("experiments.mitdb.dataset.only", [100, 110]),
        "experiments.mitdb.dataset.only.1: found 110",
        "one of 100, 101, 102",
    ),
    (
        "patients to train on alone",
        put("experiments.mitdb.dataset.only", [101, 106]),
        "experiments.mitdb.dataset: mitdb.only: found 101, 106",
        "one or more of DS2, to test on: 100, 103",
    ),
    (
        "patient with a pacemaker",
        put("experiments.mitdb.dataset.only", [100, 101, 217]),
        "experiments.mitdb.dataset: mitdb.only: found 217, of paced patients",
        "With split: random",
    ),
    (
        "rate of the other cutting",
        lambda content: put("experiments.mitdb.dataset", {"source": "mitdb", "cutting": "kachuee", "rate": 250})(
            content
        ),
        "experiments.mitdb.dataset: mitdb.rate: found 250",
        "beside cutting: kachuee",
    ),
    (
        "window of a few samples",
        lambda content: put("experiments.mitdb.dataset", {"source": "mitdb", "before": 0, "after": 0.04})(content),
        "experiments.mitdb.dataset: mitdb.before and after: found 0 and 0.04 s, 14 samples at 360 Hz",
        "16 samples or more",
    ),
    (
        "one class",
        put("experiments.mitdb.dataset.classes", ["N"]),
        "experiments.mitdb.dataset.classes: found ['N']",
        "at least 2",
    ),
    (
        "folder of records that is not there",
        lambda content: (
            put("run", ["mitdb"])(content),
            put("experiments.mitdb.dataset.records", "data/mitdb")(content),
        ),
        "experiments.mitdb.dataset: mitdb.records: found no folder at data/mitdb",
        "physionet.org",
    ),
    (
        "records at an address that cannot be read",
        lambda content: (
            put("run", ["mitdb"])(content),
            put("experiments.mitdb.dataset.records", "s3://bucket/mitdb")(content),
        ),
        "experiments.mitdb.dataset: mitdb.records: found s3://bucket/mitdb",
        "http://",
    ),
]


@pytest.mark.parametrize(("change", "first", "then"), [row[1:] for row in CONFIG], ids=[row[0] for row in CONFIG])
def test_configuration(change, first, then):
    content = copy.deepcopy(GOOD)
    change(content)
    with pytest.raises(ConfigError) as told:
        config.resolve(content)
    (fault, *_) = [fault for fault in told.value.faults if first in fault]
    assert then in fault
    assert "\n" not in fault


def test_the_good_configuration_is_good():
    assert config.resolve(GOOD).run == ("synthetic_ecg", "basic_motions", "digits")


def test_a_fault_of_the_defaults_is_told_once():
    content = copy.deepcopy(GOOD)
    put("defaults.methods.occlusion.windw", 3)(content)
    with pytest.raises(ConfigError) as told:
        config.resolve(content)
    (fault,) = told.value.faults
    assert fault.startswith("defaults.methods.occlusion: found unknown key")


def test_the_order_of_keys_does_not_count():
    turned = copy.deepcopy(GOOD)
    turned["defaults"]["training"] = dict(reversed(turned["defaults"]["training"].items()))
    turned["experiments"]["digits"] = dict(reversed(turned["experiments"]["digits"].items()))
    assert repr(config.resolve(turned).experiments["digits"]) == repr(config.resolve(GOOD).experiments["digits"])


def test_true_turns_on_what_the_defaults_say():
    content = copy.deepcopy(GOOD)
    put("defaults.methods.occlusion.window", 7)(content)
    put("experiments.digits.methods.occlusion", True)(content)
    assert config.resolve(content).experiments["digits"]["methods"]["occlusion"]["window"] == 7


def test_texts_of_the_command_line_are_read_as_numbers_and_truths_alone():
    given = {
        "a": "16",
        "b": ["0.5", "-3", "1.0e-3"],
        "c": {"d": "true", "e": "no", "f": "1:30", "g": "digits", "h": "1e-3"},
    }
    expected = {"a": 16, "b": [0.5, -3, 0.001], "c": {"d": True, "e": "no", "f": "1:30", "g": "digits", "h": "1e-3"}}
    assert config.typed(given) == expected


def test_all_faults_are_told_at_once():
    content = copy.deepcopy(GOOD)
    put("defaults.training.epochs", -1)(content)
    put("experiments.digits.seed", -1)(content)
    with pytest.raises(ConfigError) as told:
        config.resolve(content)
    assert len(told.value.faults) == 2


# Data ----------------------------------------------------------------------------------------------------------------


UNCHECKED = {"train_sha256": "none", "test_sha256": "none"}


def beats(n=40):
    rows = np.random.default_rng(0).random((n, 188)).round(3)
    rows[:, 187] = np.arange(n) % 5
    return rows.astype(str).tolist()


def written(edit):
    """A CSV of heartbeats after `edit` of its rows (lists of text)."""

    def write(folder):
        rows = beats()
        edit(rows)
        (folder / "train.csv").write_text("".join(",".join(row) + "\n" for row in rows))
        (folder / "test.csv").write_text("".join(",".join(row) + "\n" for row in beats()))

    return write


def cell(row, column, text):
    def edit(rows):
        rows[row][column] = text

    return written(edit)


def text(content):
    def write(folder):
        written(lambda rows: None)(folder)
        (folder / "train.csv").write_text(content)

    return write


def one_class(rows):
    for row in rows:
        row[187] = "2"


def too_few(rows):
    rows[:] = [row for row in rows if row[187] != "3.0"] + [rows[3]]


HEARTBEATS = [
    ("cell that is text", cell(2, 5, "abc"), "train.csv, line 3, column 6", 'found "abc"; expected a number'),
    ("empty cell", cell(4, 7, ""), "train.csv, line 5, column 8", "expected a finite number"),
    ("NaN", cell(0, 0, "nan"), "train.csv, line 1, column 1", "expected a finite number"),
    ("infinity", cell(9, 186, "inf"), "train.csv, line 10, column 187", "expected a finite number"),
    ("label out of range", cell(6, 187, "5"), "train.csv, line 7, last column: found the label 5", "from 0 to 4"),
    ("label below zero", cell(6, 187, "-1"), "train.csv, line 7, last column: found the label -1", "from 0 to 4"),
    ("label between two", cell(6, 187, "1.5"), "train.csv, line 7, last column: found the label 1.5", "a whole number"),
    (
        "header line",
        text("a," * 187 + "b\n" + ",".join(beats()[0])),
        "train.csv, line 1, column 1",
        "expected a number",
    ),
    (
        "too few columns",
        written(lambda rows: [row.pop(0) for row in rows]),
        "rows of 187 columns",
        "rows of 188 columns",
    ),
    (
        "row cut off",
        written(lambda rows: rows[-1].__delitem__(slice(50, None))),
        "line 40, column 51",
        "a finite number",
    ),
    ("row too long", written(lambda rows: rows[7].append("1")), "cannot be parsed", "line 8"),
    ("empty file", text(""), "found an empty file", "rows of 188 numbers"),
    (
        "not text at all",
        lambda f: (text("")(f), (f / "train.csv").write_bytes(b"\x89PNG\r\n\xff\xfe" * 40)),
        "train.csv",
        "",
    ),
    ("one class alone", written(one_class), "mitbih, train: found examples of one class", "at least two classes"),
    ("class of one example", written(too_few), "found 1 example(s) of class F", "enough for every split"),
]


@pytest.mark.parametrize(
    ("write", "first", "then"), [row[1:] for row in HEARTBEATS], ids=[row[0] for row in HEARTBEATS]
)
def test_heartbeats(tmp_path, write, first, then):
    write(tmp_path)
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
    refuse(tmp_path, {"source": "mitbih", **UNCHECKED, **paths}, paths, first, then)


def test_a_wrong_checksum(tmp_path):
    written(lambda rows: None)(tmp_path)
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
    dataset = {"source": "mitbih", **paths, **UNCHECKED, "test_sha256": "0" * 64}
    refuse(tmp_path, dataset, paths, "test.csv: found a file of", "expected SHA-256 " + "0" * 64)


def archive(**arrays):
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
    good = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    return lambda path: np.savez(
        path, **{name: value for name, value in {**good, **arrays}.items() if value is not None}
    )


def pickled(path):
    np.savez(path, x_train=np.array([{}], object))


MNIST = [
    (
        "no archive",
        lambda path: path.write_text("hello"),
        "mnist.npz: found a file that cannot be read",
        "an .npz archive",
    ),
    (
        "archive cut off",
        lambda path: (archive()(path), path.write_bytes(path.read_bytes()[:3000])),
        "cannot be read",
        "",
    ),
    (
        "zip of other things",
        lambda path: zipfile.ZipFile(path, "w").close(),
        "found no array x_train, y_train",
        "x_test",
    ),
    ("pickled objects", pickled, "cannot be read", "plain arrays"),
    ("an array is missing", archive(y_test=None), "mnist.npz: found no array y_test", "expected the arrays"),
    ("floats for images", archive(x_test=np.zeros((20, 28, 28))), "mnist.npz, test: found images float64", "uint8"),
    ("labels and images differ", archive(y_train=np.zeros(3, int)), "train: found images", "labels (N,)"),
    ("a label out of range", archive(y_train=np.arange(20)), "train: found labels int64 from 0 to 19", "from 0 to 9"),
]


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in MNIST], ids=[row[0] for row in MNIST])
def test_mnist(tmp_path, write, first, then):
    path = tmp_path / "mnist.npz"
    write(path)
    refuse(tmp_path, {"source": "mnist", "file": str(path), "file_sha256": "none"}, {"file": str(path)}, first, then)


# Data of one's own ---------------------------------------------------------------------------------------------------


def table(content, suffix="csv", **parameters):
    """A file for the source `table`: text, bytes, or what writes to its path."""

    def write(folder):
        path = folder / f"data.{suffix}"
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return {"source": "table", "file": str(path), **parameters}, {"file": str(path)}

    return write


def lines(edit=lambda rows: None):
    """A header and 20 rows of three values, a person and a class, after `edit`."""
    rows = [["a", "b", "c", "who", "label"]]
    rows += [[str(i), "0.5", str(i % 7), f"p{i % 2}", "xy"[i // 2 % 2]] for i in range(20)]
    edit(rows)
    return "".join(",".join(row) + "\n" for row in rows)


def at(row, column, cell):
    return lines(lambda rows: rows[row].__setitem__(column, cell))


def without_header(*rows):
    return "".join(row + "\n" for row in rows) * 4


def in_numpy(**arrays):
    good = {"x": np.zeros((20, 5)), "y": np.arange(20) % 2}
    return lambda path: np.savez(path, **good | arrays)


def in_parquet(**columns):
    import pandas as pd

    good = {"a": np.arange(20.0), "b": np.arange(20.0), "label": list("xy") * 10}
    return lambda path: pd.DataFrame(good | columns).to_parquet(path)


SIGNAL = {"signal": ["a", "b", "c"]}

TABLES = [
    ("empty table", table(""), "data.csv: found an empty file", "a row for each example"),
    ("header alone", table("a,b,label\n"), "data.csv: found a header and no row", "a row for each example"),
    ("no text", table(b"\x89PNG\r\n\xff\xfe" * 40), "data.csv: found bytes that are no text", "UTF-8"),
    (
        "misspelt label",
        table(lines(), **SIGNAL, label="labl"),
        'data.csv, label: found no column "labl"; expected one of a, b, c, who, label',
        'Did you mean "label"?',
    ),
    (
        "misspelt group",
        table(lines(), group="whom"),
        'data.csv, group: found no column "whom"',
        'Did you mean "who"?',
    ),
    ("misspelt signal", table(lines(), signal=["a", "bb"]), 'signal: found no column "bb"', 'Did you mean "b"?'),
    ("pattern of nothing", table(lines(), signal="ecg_*"), 'signal: found no column like "ecg_*"', "one of a, b, c"),
    ("name without a header", table("1,2,x\n2,3,y\n", label="label"), 'label: found "label"', "the file has no header"),
    ("position too far", table(lines(), label=6), "label: found position 6", "from 1 to 5, or from -1 back to -5"),
    ("position zero", table(lines(), signal=[0, 1]), "signal: found position 0", "from 1 to 5"),
    (
        "column twice in the header",
        table(lines(lambda rows: rows[0].__setitem__(1, "a"))),
        'found the column "a" more than once (columns 1, 2)',
        "each name once",
    ),
    ("column twice in the signal", table(lines(), signal=["a", "b", 1]), 'found the column "a" twice', "once"),
    ("label as group", table(lines(), **SIGNAL, group="label"), 'found the column "label" as label and as group', ""),
    ("label as signal", table(lines(), signal=["a", "label"]), 'the column "label" as signal and as label', ""),
    (
        "row numbers of pandas",
        table(lines(lambda rows: [row.insert(0, "" if row[0] == "a" else "7") for row in rows]), group="who"),
        "data.csv, column 1: found a column without a name",
        "pandas: index=False",
    ),
    ("column of texts", table(lines()), 'line 2, column 4 (who): found "p0"; expected a number', "signal"),
    ("text in a number", table(at(3, 1, "O.5"), group="who"), 'line 4, column 2 (b): found "O.5"', "a number"),
    ("empty number", table(at(3, 1, ""), group="who"), "line 4, column 2 (b): found an empty cell or NaN", "missing"),
    ("NaN", table(at(20, 0, "nan"), group="who"), "line 21, column 1 (a): found an empty cell or NaN", "missing:"),
    (
        "NaN behind a blank line",
        table(lines(lambda rows: (rows[9].__setitem__(2, "NA"), rows.insert(4, [""]))), group="who"),
        "line 11, column 3 (c)",
        "a number",
    ),
    ("infinite number", table(at(2, 2, "-inf"), group="who"), "line 3, column 3 (c): found infinity", "a finite"),
    (
        "nothing but gaps in a series",
        table(lines(lambda rows: rows[5].__setitem__(slice(0, 3), [""] * 3)), group="who", missing="interpolate"),
        "line 6, column 1 (a): found a series without any value",
        "at least one",
    ),
    (
        "empty label",
        table(at(8, 4, " "), group="who"),
        "data.csv, column 5 (label): found no label for example 8",
        "a label for each",
    ),
    (
        "label that is a measurement",
        table(
            lines(
                lambda rows: (
                    [row.__setitem__(4, "0.25") for row in rows[1::2]] + [row.__setitem__(4, "2") for row in rows[2::2]]
                )
            ),
            group="who",
        ),
        "data.csv, column 5 (label): found the label 0.25; expected whole numbers or texts",
        "measurements, not classes",
    ),
    (
        "label that is an identifier",
        table(lines(), signal=["b", "c"], label="a"),
        "column 1 (a): found 20 different labels in 20 examples",
        "name the one that is: label",
    ),
    (
        "one class alone",
        table(at(0, 0, "a").replace(",y\n", ",x\n"), group="who"),
        "found examples of one class",
        "two",
    ),
    ("empty group", table(at(5, 3, ""), group="who"), "data.csv, line 6: found no group", "one for each"),
    ("two groups", table(lines(), group="who"), "split: found 2 group(s); expected 5", "split.by_group: false"),
    (
        "names too few",
        table(lines(), group="who", class_names=["one"]),
        "class_names: found 1 names",
        "in the order x, y",
    ),
    (
        "name of no label",
        table(lines(), group="who", class_names={"x": "one", "yy": "two"}),
        'class_names: found a name for the label "yy"',
        'Did you mean "y"?',
    ),
    (
        "line that is short",
        table(lines(lambda rows: rows[6].pop(0)), group="who"),
        "data.csv, line 7: found 4 cells; expected 5, as the header has",
        "lengths: pad or crop",
    ),
    (
        "line that is long",
        table(lines(lambda rows: rows[6].append("1")), group="who"),
        "data.csv, line 7: found 6 cells; expected 5, as the header has",
        "lengths: pad or crop",
    ),
    (
        "row numbers of R, without a name",
        table(lines(lambda rows: [row.insert(0, "7") for row in rows[1:]]), group="who", lengths="pad"),
        "data.csv, line 1: found 5 names; expected 6, as many as every line below has cells",
        "A row number",
    ),
    (
        "every line short of the header",
        table(lines(lambda rows: [row.pop() for row in rows[1:]]), group="who"),
        "data.csv, line 2: found 4 cells; expected 5, as the header has",
        "lengths: pad or crop",
    ),
    (
        "longest line not first",
        table(without_header("1,2,x", "1,2,3,x", "1,2,y", "1,2,y")),
        "data.csv, line 2: found 4 cells; expected 3, as most lines have",
        "lengths: pad or crop",
    ),
    (
        "short lines under a header with the label last",
        table(lines(lambda rows: rows[6].pop(0)), group="who", lengths="pad"),
        "data.csv, line 7: found 4 cells",
        "stand before the signal",
    ),
    (
        "channels that do not divide the columns",
        table(lines(), group="who", channels=["left", "right"]),
        "data.csv, channels: found 2 channels in 3 columns",
        "divide",
    ),
    (
        "pickled objects",
        table(lambda path: np.savez(path, x=np.array([{}])), "npz"),
        "data.npz: found a file that cannot",
        "",
    ),
    ("no such key", table(in_numpy(), "npz", label="yy"), 'data.npz, label: found no array "yy"', 'Did you mean "y"?'),
    (
        "position in an archive",
        table(in_numpy(), "npz", label=2),
        "data.npz, label: found 2",
        "a key of the archive: x, y",
    ),
    (
        "labels of another number",
        table(in_numpy(y=np.zeros(3)), "npz"),
        "data.npz, label: found an array of shape (3,)",
        "(20,)",
    ),
    (
        "series of four axes",
        table(in_numpy(x=np.zeros((20, 2, 2, 2))), "npz"),
        "data.npz, signal: found an array",
        "(N, time)",
    ),
    (
        "NaN in an array",
        table(in_numpy(x=np.full((20, 5), np.nan)), "npz"),
        "example 1, sample 1, channel 1",
        "a number",
    ),
    (
        "names for other channels",
        table(in_numpy(x=np.zeros((20, 5, 3))), "npz", channels=["a"]),
        "channels: found 1 names",
        "3",
    ),
    (
        "array of texts",
        table(lambda path: np.save(path, np.array([["a", "b"]])), "npy"),
        "data.npy: found an array of <U1",
        "",
    ),
    ("no Parquet", table("a,b\n1,2\n", "parquet"), "data.parquet: found a file that cannot be read", "a Parquet file"),
    (
        "texts in Parquet",
        table(in_parquet(b=["u"] * 20), "parquet"),
        "data.parquet, column b: found values of type",
        "numbers",
    ),
    (
        "label that is missing in Parquet",
        table(in_parquet(label=["x", "y", "x", None] * 5), "parquet"),
        "data.parquet, row 4, column label: found no value",
        "one for each row",
    ),
]


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_tables(tmp_path, write, first, then):
    refuse(tmp_path, *write(tmp_path), first, then)


def test_a_test_file_with_another_class(tmp_path):
    dataset, paths = table(lines(), group="who")(tmp_path)
    (tmp_path / "test.csv").write_text(at(1, 4, "z"))
    paths |= {"test": str(tmp_path / "test.csv")}
    refuse(tmp_path, {**dataset, **paths}, paths, 'test: found the label "z"', "labels of the training examples: x, y")


def ts(header="@univariate true\n@equalLength true\n@classLabel true 0 1", rows="1,2,3:0\n1,2,3:1\n" * 4):
    return f"@problemName Own\n@timeStamps false\n{header}\n@data\n{rows}"


def zipped(**members):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "."), content)

    return write


BOTH = {"Own_TRAIN__ts": ts(), "Own_TEST__ts": ts()}
UNEQUAL = "@univariate true\n@equalLength false\n@classLabel true 0 1"

ARCHIVES = [
    (
        "no zip",
        lambda path: path.write_text("<html>not found</html>"),
        "Own.zip: found a file that cannot be read",
        "a zip",
    ),
    ("zip without the files", zipped(Own__arff="x"), "Own.zip: found Own.arff; expected Own_TRAIN.ts in it", ""),
    ("zip of half a set", zipped(Own_TRAIN__ts=ts()), "expected Own_TEST.ts in it", ""),
    (
        "no numbers",
        zipped(**BOTH | {"Own_TEST__ts": ts(rows="1,b,3:0\n")}),
        "Own_TEST.ts: found a file that cannot be parsed",
        "",
    ),
    (
        "no classes",
        zipped(**BOTH | {"Own_TRAIN__ts": ts("@targetLabel true")}),
        "Own_TRAIN.ts: found no classes",
        "its class",
    ),
    ("no series", zipped(**BOTH | {"Own_TEST__ts": ts(rows="")}), "Own_TEST.ts: found no series", "at least one"),
    (
        "unequal lengths",
        zipped(**BOTH | {"Own_TRAIN__ts": ts(UNEQUAL, "1,2,3:0\n1,2:1\n" + "1,2,3:1\n" * 3)}),
        "Own_TRAIN.ts, series 2: found a series of 2 samples, where 12 of 13 have 3",
        "lengths: pad puts zeros",
    ),
    (
        "missing values",
        zipped(**BOTH | {"Own_TEST__ts": ts(rows="1,2,3:0\n1,?,3:1\n")}),
        "Own_TEST.ts, series 2, sample 2, channel 1: found an empty cell or NaN",
        "missing: interpolate",
    ),
]


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in ARCHIVES], ids=[row[0] for row in ARCHIVES])
def test_archives(tmp_path, write, first, then):
    write(tmp_path / "Own.zip")
    dataset = {"source": "ucr_uea", "name": "Own", "archive_sha256": "none"}
    refuse(tmp_path, dataset, {"archive": str(tmp_path / "Own.zip")}, first, then)


def pictures(folder, *names, **others):
    """Class folders of images of 8 × 8 pixels; `others` are files of other content, by their path with __ for a point."""
    from PIL import Image

    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / name)
    for name, content in others.items():
        (folder / name.replace("__", ".")).write_bytes(content)


TWO = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4)]

PICTURES = [
    ("no class folders", lambda f: pictures(f, "0.png", "1.png"), "found 0 folder(s) and 2 file(s)", "one per class"),
    ("one class folder", lambda f: pictures(f, "cat/0.png"), "found 1 folder(s)", "at least 2 folder(s)"),
    (
        "empty class folder",
        lambda f: (pictures(f, *TWO), (f / "eel").mkdir()),
        "/eel: found a class folder without images",
        "at least one",
    ),
    (
        "image that is none",
        lambda f: (pictures(f, *TWO), (f / "cat" / "9.png").write_text("hello")),
        "cat/9.png: found a file that is no image",
        "images alone",
    ),
    (
        "file beside the images",
        lambda f: (pictures(f, *TWO), (f / "dog" / "list.csv").write_text("a,b")),
        "dog/list.csv: found a file that is no image",
        "images alone",
    ),
    (
        "image outside of a class",
        lambda f: pictures(f, *TWO, "loose.png"),
        "/loose.png: found an image outside",
        "class",
    ),
    (
        "image cut off",
        lambda f: (pictures(f, *TWO), (f / "cat" / "0.png").write_bytes((f / "cat" / "0.png").read_bytes()[:45])),
        "cat/0.png: found an image that cannot be read",
        "a whole image",
    ),
    (
        "several frames",
        lambda f: (pictures(f, *TWO), animated(f / "cat" / "9.gif")),
        "cat/9.gif: found 3 frames",
        "one image in each file",
    ),
]


def animated(path):
    from PIL import Image

    frames = [Image.fromarray(np.full((8, 8), 80 * shade, np.uint8)) for shade in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in PICTURES], ids=[row[0] for row in PICTURES])
def test_pictures(tmp_path, write, first, then):
    (tmp_path / "images").mkdir()
    write(tmp_path / "images")
    refuse(tmp_path, {"source": "images", "folder": str(tmp_path / "images")}, {}, first, then)


def test_a_test_image_of_another_class(tmp_path):
    pictures(tmp_path / "train", *TWO)
    pictures(tmp_path / "test", "dogs/0.png")
    dataset = {"source": "images", "folder": str(tmp_path / "train"), "test_folder": str(tmp_path / "test")}
    refuse(tmp_path, dataset, {}, "found the class folder dogs; expected one of cat, dog", 'Did you mean "dog"?')


def own(**dataset):
    """A configuration of one experiment on data of one's own."""
    kind = "gap_cnn"
    mine = {"dataset": dataset, "model": {"architecture": kind}}
    return lambda content: (put("experiments.mine", mine)(content), put("run", ["mine"])(content))


OWN = [
    (
        "suffix that none reads",
        own(source="table", file="beats.xlsx"),
        'experiments.mine.dataset: table.file: found "beats.xlsx"',
        "a file whose name ends in .csv, .tsv",
    ),
    (
        "table that is not there",
        own(source="table", file="no/beats.csv"),
        "mine.dataset.file: found no file",
        "a file there",
    ),
    (
        "position with a point",
        own(source="table", file="a.csv", label=1.5),
        "mine.dataset.label: found 1.5",
        "a text or a whole number",
    ),
    (
        "unknown set of the archives",
        own(source="ucr_uea", name="GunPiont"),
        'ucr_uea.name: found "GunPiont"; expected one of the 278 sets',
        'Did you mean "GunPoint"?',
    ),
    (
        "set that is not in the folder",
        own(source="ucr_uea", name="GunPoint", folder="no"),
        "mine.dataset.train: found no file at no/GunPoint_TRAIN.ts",
        "timeseriesclassification.com",
    ),
    ("folder that is not there", own(source="images", folder="no"), "mine.dataset.folder: found no folder at no", ""),
    (
        "one number for a size",
        own(source="images", folder=".", size=[64]),
        "mine.dataset.size: found [64]",
        "at least 2",
    ),
]


@pytest.mark.parametrize(("change", "first", "then"), [row[1:] for row in OWN], ids=[row[0] for row in OWN])
def test_configurations_of_own_data(change, first, then):
    test_configuration(change, first, then)


# MIT-BIH's recordings ------------------------------------------------------------------------------------------------


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
        "100.atr: found annotations from sample 288 to 5184",
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
        "mitdb.leads: found V2, which record 100",
        "expected some of MLII, V1",
    ),
    ("class of one beat", None, {}, "mitdb.classes: found 1 beat(s) of class S", "(classes: [N, V])"),
    ("class of no beats", None, {"classes": ["N", "V", "F"]}, "found N, V, F, and no beat of F", "(5 N, 1 S, 4 V)"),
    (
        "window longer than the record",
        None,
        {"before": 30},
        "mitdb: found no beat that can be cut (10 beats",
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
    paths = plugins.load("datasets")["mitdb"].addresses(**{key: dataset[key] for key in ("records", "only", "split")})
    refuse(tmp_path, dataset, paths, first, then)


def test_a_record_without_its_annotations_is_told_with_those_that_are_whole(tmp_path):
    for number in (100, 101):
        write_record(tmp_path, number, "NV")
    (tmp_path / "101.atr").unlink()
    content = copy.deepcopy(GOOD)
    put("run", ["mitdb"])(content)
    put("experiments.mitdb.dataset", {"source": "mitdb", "records": str(tmp_path), "only": [100, 101]})(content)
    with pytest.raises(ConfigError) as told:
        config.resolve(content)
    (fault,) = told.value.faults
    assert fault.startswith("experiments.mitdb.dataset: mitdb.records: found no 101.atr (1 of 6 files)")
    assert "Complete in there: 100;" in fault


def refuse(folder, dataset, paths, first, then):
    with pytest.raises(InputError) as told:
        preprocess(
            dataset=dataset,
            paths=paths,
            split={"test": 0.2, "validation": 0.15},
            scale="none",
            seed=1,
            folder=folder / "out",
        )
    assert first in str(told.value)
    assert then in str(told.value)
    assert not (folder / "out").exists()


# Models and examples -------------------------------------------------------------------------------------------------


@pytest.fixture
def examples(tmp_path):
    x, one = np.zeros((2, 8, 8, 1), np.float32), np.zeros(2, int)
    arrays = {"inputs": x, "targets": one, "labels": one, "predictions": one, "indices": one}
    files.write_arrays(tmp_path / "examples.npz", arrays)
    return tmp_path / "examples.npz"


def plain(keras, *layers, shape=(8, 8, 1)):
    return keras.Sequential([keras.layers.Input(shape), *layers])


MODELS = [
    ("no file", lambda keras, path: None, "model.keras: found a file that cannot be loaded", "a .keras model"),
    ("no model", lambda keras, path: path.write_text("hello"), "found a file that cannot be loaded", "a .keras model"),
    (
        "code inside",
        lambda keras, path: plain(
            keras, keras.layers.Lambda(lambda x: x * 2), keras.layers.Flatten(), keras.layers.Dense(2)
        ).save(path),
        "found a file that cannot be loaded",
        "ambda",
    ),
    (
        "another input shape",
        lambda keras, path: plain(
            keras, keras.layers.Conv2D(1, 3), keras.layers.Flatten(), keras.layers.Dense(2), shape=(9, 9, 1)
        ).save(path),
        "inputs: found shape (2, 8, 8, 1)",
        "(N, 9, 9, 1)",
    ),
    (
        "no convolution layer",
        lambda keras, path: plain(keras, keras.layers.Flatten(), keras.layers.Dense(2)).save(path),
        "model: found no convolution layer",
        "one at least",
    ),
    (
        "no scores",
        lambda keras, path: plain(keras, keras.layers.Conv2D(2, 3)).save(path),
        "found an output of shape (6, 6, 2)",
        "one score for each of two or more classes",
    ),
    (
        "one score",
        lambda keras, path: plain(keras, keras.layers.Flatten(), keras.layers.Dense(1)).save(path),
        "found an output of shape (1,)",
        "two or more classes",
    ),
    (
        "sizes unknown",
        lambda keras, path: plain(
            keras, keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2), shape=(None, None, 1)
        ).save(path),
        "found an input of shape (None, None, 1)",
        "sizes are all known",
    ),
]


@pytest.mark.parametrize(("save", "first", "then"), [row[1:] for row in MODELS], ids=[row[0] for row in MODELS])
def test_model(keras, tmp_path, examples, save, first, then):
    save(keras, tmp_path / "model.keras")
    with pytest.raises(InputError) as told:
        explain(tmp_path, examples, "grad_cam", {"layer": "last", "relu": True})
    assert first in str(told.value)
    assert then in str(told.value)
    assert not (tmp_path / "out").exists()


def explain(folder, examples, method, parameters):
    run(
        method=method,
        parameters=parameters,
        model=folder / "model.keras",
        examples=examples,
        seed=1,
        threads=1,
        memory_mb=64,
        attributions=folder / "out" / "attributions.npz",
        cost=folder / "out" / "cost.json",
        checks=folder / "out" / "checks.json",
    )


def test_softmax_before_the_last_layer(keras):
    layers = keras.layers
    model = plain(keras, layers.Flatten(), layers.Dense(3, activation="softmax"), layers.Activation("linear"))
    with pytest.raises(InputError, match="found scores that are probabilities, made before the last layer"):
        Probe(model)


def test_layer_without_feature_maps(digit, tmp_path, examples):
    digit.save(tmp_path / "model.keras")
    for method in ("grad_cam", "grad_cam_plus_plus", "layer_cam"):
        with pytest.raises(InputError, match='layer: found "dense_1", whose output .* has no time or space left'):
            explain(tmp_path, examples, method, {"layer": "dense_1"})


def test_two_inputs(keras):
    left, right = keras.Input((4, 1)), keras.Input((4, 1))
    both = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    with pytest.raises(InputError, match="found 2 inputs and 1 outputs; expected one of each"):
        Probe(keras.Model([left, right], keras.layers.Dense(2)(both)))


def test_layer_of_another_name(digit, tmp_path, examples):
    digit.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match='layer: found "conv_3"; expected first, last, or one of conv_1, conv_2'):
        explain(tmp_path, examples, "grad_cam", {"layer": "conv_3", "relu": True})
    assert not (tmp_path / "out").exists()


def test_window_larger_than_the_image(digit, tmp_path, examples):
    digit.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="occlusion.window: found 15 on axis 0; expected at most the input's 8"):
        explain(tmp_path, examples, "occlusion", {"window": 15})
    assert not (tmp_path / "out").exists()


def test_references_that_are_none_or_of_another_shape(digit):
    one, target = np.zeros((1, 8, 8, 1), np.float32), np.array([0])
    with pytest.raises(InputError, match="references: found none; expected one at least"):
        Probe(digit).contributions(one, one[:0], target)
    with pytest.raises(InputError, match=r"found shape \(1, 8, 8\); expected \(N, 8, 8, 1\)"):
        Probe(digit).contributions(one, one[..., 0], target)


def test_values_that_are_multiplied_with_each_other_for_deep_shap(keras, rng):
    start = keras.Input((4, 1))
    gate = keras.layers.Conv1D(1, 3, padding="same", activation="sigmoid")(start)
    gated = keras.layers.Flatten()(keras.layers.Multiply(name="gated")([start, gate]))
    probe, one = Probe(keras.Model(start, keras.layers.Dense(2)(gated))), np.zeros((1, 4, 1), np.float32)
    with pytest.raises(InputError, match=r"deep_shap: layer gated \(Multiply\): found operations .*\(Mul\)"):
        deep_shap.explain(probe, one, np.array([0]), rng, training=one)
    assert probe.forward_passes == 0


def test_targets_that_are_no_class(digit):
    with pytest.raises(InputError, match=r"targets: found shape \(1,\), from 10 to 10; expected \(1,\), from 0 to 9"):
        Probe(digit).gradient(np.zeros((1, 8, 8, 1), np.float32), np.array([10]))


@pytest.fixture
def prepared(tmp_path):
    preprocess(
        dataset={"source": "digits"},
        paths={},
        split={"test": 0.2, "validation": 0.15},
        scale="none",
        seed=1,
        folder=tmp_path / "data",
    )
    labels = files.read_arrays(tmp_path / "data" / "labels.npz")["test"]
    right = np.eye(10, dtype=np.float32)[labels]
    files.write_arrays(tmp_path / "predictions.npz", {"labels": labels, "probabilities": right, "logits": right})
    return tmp_path


@pytest.mark.parametrize(
    ("choose", "target", "message"),
    [
        ("wrong", "predicted", 'examples.choose: found "wrong", which no test example is'),
        ("correct", "ten", 'examples.target: found "ten"; expected one of predicted, true, 0, 1'),
    ],
)
def test_examples_that_cannot_be_chosen(prepared, choose, target, message):
    with pytest.raises(InputError) as told:
        select(
            data=prepared / "data",
            predictions=prepared / "predictions.npz",
            per_class=1,
            choose=choose,
            target=target,
            seed=1,
            output=prepared / "examples.npz",
        )
    assert message in str(told.value)
    assert not (prepared / "examples.npz").exists()


def test_a_model_that_the_data_are_too_small_for(prepared):
    facts = json.loads((prepared / "data" / "data.json").read_text())
    facts["shape"] = [5, 5, 1]
    files.write_json(prepared / "data" / "data.json", facts)
    with pytest.raises(InputError, match="model digit_cnn: found examples of shape 5 × 5 × 1; expected at least 6"):
        train(
            data=prepared / "data",
            model={"architecture": "digit_cnn"},
            training=config.resolve(GOOD).experiments["digits"]["training"],
            seed=1,
            threads=1,
            code="",
            checkpoints=prepared / "checkpoints",
            folder=prepared / "model",
        )
    assert not (prepared / "model").exists()
    assert not (prepared / "checkpoints").exists()


# Models of one's own --------------------------------------------------------------------------------------------------


def own(keras, *layers, shape=(8, 8, 1)):
    """What saves a small model with these layers before its ten classes."""
    made = [make(keras) for make in layers]
    return plain(keras, *made, keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax"), shape=shape)


def two_inputs(keras):
    left, right = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    joined = keras.layers.Flatten()(keras.layers.Add()([left, right]))
    return keras.Model([left, right], keras.layers.Dense(10)(joined))


def two_outputs(keras):
    image = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(image)
    return keras.Model(image, [keras.layers.Dense(10)(flat), keras.layers.Dense(1)(flat)])


def subclass(keras):
    class Mine(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    return own(keras, lambda _: Mine(name="mine"))


def activated(keras):
    return own(keras, lambda keras: keras.layers.Conv2D(2, 3, activation=lambda x: x * x, name="squared"))


def cut(keras, path):
    own(keras).save(path)
    path.write_bytes(path.read_bytes()[:-400])


def emptied(keras, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": []}}))


def legacy(keras, path):
    own(keras).save(path.with_suffix(".h5"))
    path.with_suffix(".h5").rename(path)


def save(make):
    return lambda keras, path: make(keras).save(path)


# Found while the workflow is planned.
OWN_FILES = [
    (
        "no zip",
        lambda keras, path: path.write_text("hello"),
        "model.keras: found a file that cannot be read",
        "Keras 3",
    ),
    ("a truncated archive", cut, "model.keras: found a file that cannot be read", "Keras 3"),
    ("an archive without weights", emptied, "There is no model.weights.h5 in the archive", ""),
    ("HDF5", legacy, "cannot be read", 'keras.models.load_model("model.keras").save("model.keras") converts it'),
    (
        "a Lambda layer",
        save(lambda keras: own(keras, lambda keras: keras.layers.Lambda(lambda x: x * 2, name="doubled"))),
        'found code: layer "doubled" (Lambda)',
        "allow_code: true",
    ),
    ("a lambda as an activation", save(activated), 'found code: layer "squared" (a lambda)', "allow_code: true"),
    ("a layer of one's own", save(subclass), '"Mine"', "without it"),
    ("two inputs", save(two_inputs), "found 2 inputs; expected one", ""),
    ("two outputs", save(two_outputs), "found 2 outputs; expected one", ""),
    (
        "sizes unknown",
        save(lambda keras: plain(keras, keras.layers.GlobalMaxPooling2D(), shape=(None, None, 1))),
        "found inputs of shape ? × ? × 1",
        "sizes that are all known",
    ),
    (
        "never built",
        save(lambda keras: keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])),
        "a model whose input sizes are not known",
        "built before it was saved",
    ),
]


def planned(**model):
    content = copy.deepcopy(GOOD)
    content["run"] = ["digits"]
    content["experiments"]["digits"]["model"] = model
    with pytest.raises(ConfigError) as told:
        config.resolve(content)
    (fault,) = told.value.faults
    return fault


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in OWN_FILES], ids=[row[0] for row in OWN_FILES])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_own_file(keras, tmp_path, write, first, then):
    path = tmp_path / "model.keras"
    write(keras, path)
    fault = planned(architecture="keras_file", file=str(path))
    assert fault.startswith("experiments.digits.model: ")
    assert str(path) in fault
    assert first in fault
    assert then in fault


@pytest.mark.parametrize(
    ("model", "first", "then"),
    [
        ({"architecture": "keras_file"}, "model: found architecture", "expected the key file as well"),
        ({"architecture": "keras_file", "file": "none.keras"}, "model.file: found no file at none.keras", ""),
        (
            {"architecture": "keras_file", "file": "https://example.org/model.keras"},
            "model: features: found auto, and an address",
            "a list of what the model has",
        ),
        ({"architecture": "keras_file", "file": "m.keras", "freeze": "last"}, 'freeze: found "last"', "all_but_last"),
        ({"architecture": "function", "build": "nowhere"}, 'build: found "nowhere"', "module:function"),
        (
            {"architecture": "function", "build": "no_such_module:make"},
            "build: found no file at no_such_module.py",
            "a file there",
        ),
    ],
)
def test_own_model_in_the_configuration(tmp_path, model, first, then):
    fault = planned(**model)
    assert first in fault
    assert then in fault


# Found where the data are known, before any epoch.
OWN_ENDS = [
    (
        "another input shape",
        lambda keras: own(keras, shape=(9, 9, 1)),
        "found a model for inputs of 9 × 9 × 1",
        "8 × 8 × 1",
    ),
    (
        "another number of classes",
        lambda keras: plain(keras, keras.layers.Flatten(), keras.layers.Dense(7, activation="softmax")),
        "found an output of shape 7; expected 10 scores",
        "new_head: true",
    ),
    (
        "one number",
        lambda keras: plain(keras, keras.layers.Flatten(), keras.layers.Dense(1)),
        "found an output of shape 1",
        "10 scores",
    ),
    (
        "maps for scores",
        lambda keras: plain(keras, keras.layers.Conv2D(10, 3)),
        "found an output of shape 6 × 6 × 10",
        "one for each class",
    ),
    (
        "several labels at once",
        lambda keras: plain(keras, keras.layers.Flatten(), keras.layers.Dense(10, activation="sigmoid")),
        "found 10 sigmoids, each for itself",
        "a softmax, or logits",
    ),
    (
        "a softmax before the last layer",
        lambda keras: plain(
            keras,
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
            keras.layers.Activation("linear"),
        ),
        "found probabilities that are made before the last layer",
        "a softmax as the last layer",
    ),
]


@pytest.fixture(scope="module")
def digits_data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    split = {"test": 0.2, "validation": 0.15}
    preprocess(dataset={"source": "digits"}, paths={}, split=split, scale="none", seed=1, folder=folder)
    return folder


def begin(folder, data, model, paths):
    with pytest.raises(InputError) as told:
        train(
            data=data,
            model=model,
            training=config.resolve(GOOD).experiments["digits"]["training"],
            seed=1,
            threads=1,
            code="",
            checkpoints=folder / "checkpoints",
            folder=folder / "model",
            paths=paths,
        )
    assert not (folder / "model").exists()
    assert not (folder / "checkpoints").exists()
    return str(told.value)


@pytest.mark.parametrize(("make", "first", "then"), [row[1:] for row in OWN_ENDS], ids=[row[0] for row in OWN_ENDS])
def test_own_model_that_does_not_fit_the_data(keras, tmp_path, digits_data, make, first, then):
    path = tmp_path / "model.keras"
    make(keras).save(path)
    message = begin(tmp_path, digits_data, {"architecture": "keras_file", "file": str(path)}, {"file": str(path)})
    assert message.startswith(str(path))
    assert first in message
    assert then in message


def test_own_model_with_nothing_left_to_train(keras, tmp_path, digits_data):
    path = tmp_path / "model.keras"
    own(keras).save(path)
    model = {"architecture": "keras_file", "file": str(path), "freeze": ["sequential"]}
    model["freeze"] = [layer.name for layer in keras.models.load_model(path).layers]
    assert "and no weights to fit" in begin(tmp_path, digits_data, model, {"file": str(path)})
    model["freeze"] = ["dens"]
    assert 'freeze: found "dens"; expected layers of ' in begin(tmp_path, digits_data, model, {"file": str(path)})


FUNCTIONS = [
    ("nothing returned", "def make(shape, n):\n    pass", "found nothing returned", "a keras.Model"),
    ("something else returned", "def make(shape, n):\n    return 3", "found a int", "a keras.Model"),
    ("a function that fails", "def make(shape, n):\n    return 1 / 0", "ZeroDivisionError: division by zero", "line 2"),
    ("a module that fails", "import no_such_package\ndef make(shape, n): pass", "No module named", "line 1"),
    ("other arguments", "def make():\n    pass", "a function that fails (TypeError", "a keras.Model"),
    (
        "never built",
        "def make(shape, n):\n    import keras\n    return keras.Sequential([keras.layers.Dense(n)])",
        "found a model that is not built",
        "keras.Input(input_shape)",
    ),
    (
        "a Lambda layer",
        "def make(shape, n):\n    import keras\n    layers = keras.layers\n    return keras.Sequential("
        "[layers.Input(shape), layers.Lambda(lambda x: x, name='id'), layers.Flatten(), layers.Dense(n)])",
        'found code: layer "id" (Lambda)',
        "keras.ops",
    ),
]


@pytest.mark.parametrize(("source", "first", "then"), [row[1:] for row in FUNCTIONS], ids=[row[0] for row in FUNCTIONS])
def test_own_function(keras, tmp_path, digits_data, source, first, then):
    name = f"bad_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    model = {"architecture": "function", "build": f"{name}:make", "folder": str(tmp_path)}
    message = begin(tmp_path, digits_data, model, {})
    assert message.startswith(f"function.build {name}:make: ")
    assert first in message
    assert then in message


def test_own_function_that_is_not_there(tmp_path):
    (tmp_path / "mine.py").write_text("def make_model(shape, n):\n    return None")
    fault = planned(architecture="function", build="mine:make", folder=str(tmp_path))
    assert 'build: found "mine:make"; expected a function of' in fault
    assert 'Did you mean "make_model"?' in fault
    (tmp_path / "mine.py").write_text("def make(shape, n)\n    return None")
    fault = planned(architecture="function", build="mine:make", folder=str(tmp_path))
    assert "found a module that is no Python (expected ':', line 1)" in fault
