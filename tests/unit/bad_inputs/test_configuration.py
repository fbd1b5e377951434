"""Configurations that cannot be used: every fault is told at once, with its key, before any job."""

import copy
import json
import re
import time

import pytest
import yaml

from pellucid.config import editor_schema, resolution
from pellucid.config.resolution import ConfigError
from tests.support.good_settings import GOOD, all_of, put, refuse_configuration

CONFIG = [
    (
        "a fold, and no folds",
        put("experiments.digits.split", {"fold": 2}),
        "digits.split.fold: found 2",
        "folds beside",
    ),
    ("a fold too many", put("experiments.digits.split", {"folds": 3, "fold": 3}), "fold: found 3", "from 0 to 2"),
    (
        "sweep over a key misspelt",
        put("experiments.digits.sweep", {"training.learning_rat": [0.1]}),
        'experiments.digits.sweep: found unknown key "training.learning_rat"',
        'Did you mean "training.learning_rate"?',
    ),
    (
        "sweep over a parameter that the model has not",
        put("experiments.digits.sweep", {"model.filters": [[8], [16]]}),
        'experiments.digits.sweep: found unknown key "model.filters"',
        "the dotted name of a setting",
    ),
    ("sweep over nothing", put("experiments.digits.sweep", {}), "experiments.digits.sweep: found {}", "at least 1"),
    (
        "sweep over a value that is no list",
        put("experiments.digits.sweep", {"seed": 3}),
        "experiments.digits.sweep.seed: found 3 (a whole number)",
        "expected a list",
    ),
    (
        "a varied value of the wrong type",
        put("experiments.digits.sweep", {"training.epochs": [3, 0.5]}),
        "experiments.digits__epochs_0p5.training.epochs: found 0.5",
        "a whole number",
    ),
    (
        "all of what has no number",
        put("experiments.digits.sweep", {"seed": "all"}),
        'experiments.digits.sweep.seed: found "all"',
        "expected a list of values. Only split.fold has all",
    ),
    (
        "all folds of none",
        put("experiments.digits.sweep", {"split.fold": "all"}),
        'experiments.digits.sweep.split.fold: found "all", and no number of folds',
        "expected split.folds",
    ),
    (
        "too many members",
        put("experiments.digits.sweep", {"seed": list(range(15)), "training.epochs": list(range(14))}),
        "experiments.digits: found 15 × 14 = 210 members",
        "at most 200",
    ),
    (
        "two members of one name",
        put("experiments.digits.sweep", {"dataset.source": ["digits", "Digits"]}),
        "which would both be named digits__source_digits",
        "whose letters and digits differ",
    ),
    (
        "a member named as another experiment",
        all_of(
            put("experiments.digits.sweep", {"seed": [1, 2]}),
            put("experiments.digits__seed_2", GOOD["experiments"]["mnist"]),
        ),
        "experiments.digits: found a member named digits__seed_2",
        "names that differ",
    ),
    (
        "a name too long for a file system",
        put("experiments.digits.sweep", {"model.architecture": ["x" * 150]}),
        "experiments.digits: found a member whose name has 171 characters",
        "at most 120",
    ),
    (
        "repeats of what is varied",
        all_of(
            put("experiments.digits.sweep", {"training.seed": [1, 2]}),
            put("experiments.digits.repeats", 2),
        ),
        "experiments.digits.repeats: found 2, and the seeds of the training under sweep",
        "one of the two",
    ),
    (
        "explanations of a few members where they are what is compared",
        all_of(
            put("experiments.digits.sweep", {"seed": [1, 2], "methods.occlusion.window": [2, 3]}),
            put("experiments.digits.explain", "first"),
        ),
        'experiments.digits.explain: found "first", and a sweep over methods.occlusion.window',
        "expected all",
    ),
    (
        "explanations of members without a study",
        put("experiments.digits.explain", "none"),
        'experiments.digits.explain: found "none", and neither sweep nor repeats',
        "methods: none",
    ),
    (
        "a number of members to explain",
        all_of(put("experiments.digits.repeats", 2), put("experiments.digits.explain", 2)),
        "experiments.digits.explain: found 2",
        "all, first, none",
    ),
    (
        "sweep over for all experiments",
        put("defaults.sweep", {"seed": [1, 2]}),
        'defaults: found unknown key "sweep"',
        "expected one of",
    ),
    (
        "a member that the study has not",
        all_of(
            put("experiments.digits.sweep", {"seed": [1, 2]}),
            put("run", ["digits__seed_3"]),
        ),
        'run.0: found "digits__seed_3"',
        'Did you mean "digits__seed_',
    ),
    (
        "name of the folder of comparisons",
        put("experiments.comparison", GOOD["experiments"]["digits"]),
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
    ("fraction of an epoch", put("defaults.training.epochs", 1.5), "found 1.5 (a number)", "a whole number"),
    ("truth for a number", put("threads", True), "threads: found True (true or false)", "a whole number"),
    ("share above one", put("defaults.split.test", 1.2), "defaults.split.test: found 1.2", "less than 1"),
    (
        "unknown choice",
        put("defaults.examples.choose", "corect"),
        'defaults.examples.choose: found "corect"',
        'Did you mean "correct"?',
    ),
    ("list for a mapping", put("defaults.training", ["epochs"]), "defaults.training: found", "a mapping (key: value)"),
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
        all_of(
            put("run", ["photographs"]),
            put("experiments.photographs.model.weights", "data/vgg16.h5"),
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
        "class activation maps of a network that ends in dense layers",
        all_of(
            put("run", ["photographs"]),
            put("experiments.photographs.model", {"architecture": "application", "name": "VGG19"}),
            put("experiments.photographs.methods.cam", {}),
        ),
        "experiments.photographs.methods.cam: found a method that needs gap",
        '"application" has no gap',
    ),
    (
        "class index that is not there",
        all_of(
            put("run", ["photographs"]),
            put("experiments.photographs.dataset.labels", "imagenet"),
            put("experiments.photographs.dataset.class_index", "data/index.json"),
        ),
        "experiments.photographs.dataset.class_index: found no file at data/index.json",
        "expected a file there",
    ),
    (
        "filters without kernels",
        all_of(
            put("experiments.digits.model.architecture", "gap_cnn"),
            put("experiments.digits.model.filters", [8, 8]),
        ),
        "experiments.digits.model: gap_cnn.kernels: found 3 sizes",
        "2, as many as there are filters",
    ),
    (
        "more crops than places",
        put("experiments.photographs.dataset", {"source": "sample_photographs", "size": 320, "test_per_class": 109}),
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
    ("tracking address", put("tracking.uri", "mlruns"), 'tracking.uri: found "mlruns"', "database"),
    ("experiment name", put("experiments.My-set", {}), "experiments: found", "My-set"),
    (
        "whole number with a point",
        put("experiments.digits.methods.occlusion.window", 3.0),
        "occlusion.window: found 3.0",
        "a whole number from 1",
    ),
    (
        "not a number",
        put("defaults.training.learning_rate", float("nan")),
        "found nan (not a finite number)",
        "a number",
    ),
    (
        "gaps between windows",
        put("experiments.digits.methods.occlusion.stride", 4),
        "methods.occlusion: occlusion.stride: found 4",
        "so that there are no gaps",
    ),
    (
        "slowest above fastest",
        put("experiments.synthetic_ecg.dataset.rate_min", 99),
        "experiments.synthetic_ecg.dataset",
        "rate_max",
    ),
    (
        "a method that is a number",
        put("defaults.methods", {1: {}}),
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
        all_of(
            put("experiments.digits.training.epochs", 0),
            put("experiments.digits.scores", {"random_labels": {"epochs": 5}}),
        ),
        "experiments.digits.scores.random_labels: found a score that needs training",
        "training.epochs is 0",
    ),
    ("file that is not there", put("run", ["mitbih"]), "experiments.mitbih.dataset.train: found no file", "kaggle"),
    (
        "file on another machine",
        all_of(
            put("run", ["mnist"]),
            put("experiments.mnist.dataset.file", "file://host/a.npz"),
        ),
        "experiments.mnist.dataset.file: found file://host/a.npz",
        "another machine",
    ),
    (
        "scheme that is not supported",
        all_of(
            put("run", ["mnist"]),
            put("experiments.mnist.dataset.file", "s3://bucket/a.npz"),
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
        put("experiments.mitdb.dataset", {"source": "mitdb", "cutting": "kachuee", "rate": 250}),
        "experiments.mitdb.dataset: mitdb.rate: found 250",
        "beside cutting: kachuee",
    ),
    (
        "window of a few samples",
        put("experiments.mitdb.dataset", {"source": "mitdb", "before": 0, "after": 0.04}),
        "experiments.mitdb.dataset: mitdb.before and after: found 0 and 0.04 s, 14 samples at 360 Hz",
        "16 samples or more",
    ),
    (
        "folder of records that is not there",
        all_of(
            put("run", ["mitdb"]),
            put("experiments.mitdb.dataset.records", "data/mitdb"),
        ),
        "experiments.mitdb.dataset: mitdb.records: there is no folder data/mitdb",
        "physionet.org",
    ),
    (
        "records at an address that cannot be read",
        all_of(
            put("run", ["mitdb"]),
            put("experiments.mitdb.dataset.records", "s3://bucket/mitdb"),
        ),
        "experiments.mitdb.dataset.records: found s3://bucket/mitdb",
        "http://",
    ),
    ("too many threads", put("threads", 10**9), "threads: found 1000000000", "at most 1024"),
    *(
        (
            f"file {place[:20]}",
            all_of(put("run", ["mnist"]), put("experiments.mnist.dataset.file", place)),
            "experiments.mnist.dataset.file: found",
            then,
        )
        for place, then in (
            ("~nobody-of-this-name/x", "a user of this machine"),
            ("http://[::1/x", "Invalid IPv6 URL"),
            ("http://host:99999/x", "Port"),
            ("http:///x", "the name of a server"),
            ("file://[::1/x", "Invalid IPv6 URL"),
            ("a/" * 2400 + "b", "at most"),
            ("b" * 300, "255 a name"),
            ("x" * 5000, "at most 4,000"),
            ("a\0b", "U+0000"),
            ("a\nb", "line ends"),
        )
    ),
    *(
        (
            f"{architecture} in {folder[:10]}",
            put("experiments.digits.model", {"architecture": architecture, "folder": folder, **more}),
            "experiments.digits.model.folder: found",
            "",
        )
        for folder, architecture, more in (
            ("~nobody-of-this-name", "saved_model", {"allow_code": True}),
            ("b" * 300, "function", {"build": "a:b"}),
        )
    ),
    (
        "a store at an address that is none",
        put("tracking.uri", "http://[::1/x"),
        "tracking.uri: found http://[::1/x",
        "IPv6",
    ),
    (
        "values of a sweep that differ in capitals alone",
        put("defaults.views.activations.sweep", {"layer": ["conv", "Conv"]}),
        "defaults.views.activations: sweep of activations: found two combinations",
        "capitals",
    ),
    (
        "values of a sweep with one label",
        put("defaults.methods.grad_cam.sweep", {"layer": ["a b", "a{b"]}),
        "defaults.methods.grad_cam: sweep of grad_cam: found two combinations",
        "each value once",
    ),
    (
        "a sweep of a billion",
        put(
            "defaults.methods.lime.sweep",
            {key: list(range(2, 190)) for key in ("samples", "segments", "ridge", "compactness")},
        ),
        "188 × 188 × 188 × 188 = 1,249,198,336 combinations",
        "at most 200",
    ),
    ("a line end in a name", put("experiments.digits\n", {}), "experiments: found", "digits"),
    ("a name that Windows has not", put("experiments.con", {}), "experiments: found", "Windows"),
    ("a long name", put(f"experiments.{'d' * 200}", {}), "experiments: found", "at most 120"),
    ("no for a text", put("experiments.digits.title", False), "digits.title: found False", "put a text in quotes"),
    (
        "one experiment too many",
        lambda content: content["experiments"].update({f"e{n}": {} for n in range(1001)}),
        "experiments: found",
        "at most 1000",
    ),
]


@pytest.mark.parametrize(("change", "first", "then"), [row[1:] for row in CONFIG], ids=[row[0] for row in CONFIG])
def test_configuration(change, first, then):
    refuse_configuration(change, first, then)


def numbers(schema, where=""):
    """Yield the place and the entry of every number in a schema."""
    if isinstance(schema, dict):
        kinds = schema.get("type", [])
        if {"integer", "number"} & set([kinds] if isinstance(kinds, str) else kinds):
            yield where, schema
    for key, entry in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if isinstance(entry, dict | list):
            yield from numbers(entry, f"{where}.{key}")


def test_every_number_has_an_upper_limit():
    # Every key of the configuration and of the plugins, but for names that may be numbers (of columns and classes), the
    # class to explain and the value range of a model: none of these makes work.
    entries = [
        entry
        for where, entry in numbers(json.loads(editor_schema.text()))
        if "string" not in entry["type"] and not re.search(r"\.target\.anyOf\.1$|\.input_range\.items$", where)
    ]
    assert len(entries) > 200
    assert [entry for entry in entries if not {"maximum", "exclusiveMaximum"} & set(entry)] == []


def test_the_good_configuration_is_good():
    assert resolution.resolve(GOOD).run == ("synthetic_ecg", "basic_motions", "digits")


def test_a_fault_of_the_defaults_is_told_once():
    content = copy.deepcopy(GOOD)
    put("defaults.methods.occlusion.windw", 3)(content)
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    (fault,) = told.value.faults
    assert fault.startswith("defaults.methods.occlusion: found unknown key")


def test_the_order_of_keys_does_not_count():
    turned = copy.deepcopy(GOOD)
    turned["defaults"]["views"] = dict(reversed(turned["defaults"]["views"].items()))
    turned["experiments"]["digits"] = dict(reversed(turned["experiments"]["digits"].items()))
    assert repr(resolution.resolve(turned).experiments["digits"]) == repr(
        resolution.resolve(GOOD).experiments["digits"]
    )


def test_true_turns_on_what_the_defaults_say():
    content = copy.deepcopy(GOOD)
    put("defaults.methods.occlusion.window", 7)(content)
    put("experiments.digits.methods.occlusion", True)(content)
    assert resolution.resolve(content).experiments["digits"]["methods"]["occlusion"]["window"] == 7


def test_texts_of_the_command_line_are_read_as_numbers_and_truths_alone():
    given = {
        "a": "16",
        "b": ["0.5", "-3", "1.0e-3"],
        "c": {"d": "true", "e": "no", "f": "1:30", "g": "digits", "h": "1e-3"},
        "i": ["017", "9" * 5000],
    }
    expected = {"a": 16, "b": [0.5, -3, 0.001], "c": {"d": True, "e": "no", "f": "1:30", "g": "digits", "h": "1e-3"}}
    expected["i"] = given["i"]
    assert resolution.typed(given) == expected


@pytest.mark.parametrize("text", ["40", "0.5", "true", "-1"])
@pytest.mark.parametrize("quotes", ["'", '"', ""])
def test_what_stands_in_quotes_on_the_command_line_stays_a_text(text, quotes):
    from snakemake.cli import parse_config

    quoted = f"{quotes}{text}{quotes}"
    entries = [f"own={{label: {quoted}, class_names: {{0: {quoted}}}, signal: [a, {quoted}]}}", f"run=[{quoted}]"]
    found = resolution.typed(parse_config(entries), resolution.quoted_texts(entries))
    plain = text if quotes else yaml.safe_load(text)
    assert found == {"own": {"label": plain, "class_names": {"0": plain}, "signal": ["a", plain]}, "run": [plain]}


def test_the_later_of_two_entries_says_whether_it_is_quoted():
    from snakemake.cli import parse_config

    entries = ['own={a: "40", b: 40}', 'own={a: 40, b: "40"}']
    assert resolution.typed(parse_config(entries), resolution.quoted_texts(entries)) == {"own": {"a": 40, "b": "40"}}


def test_all_faults_are_told_at_once():
    content = copy.deepcopy(GOOD)
    put("defaults.training.epochs", -1)(content)
    put("experiments.digits.seed", -1)(content)
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    assert len(told.value.faults) == 2


@pytest.mark.parametrize("count", [19, 1000])
def test_hundreds_of_faults_and_experiments_take_seconds(count):
    content = copy.deepcopy(GOOD)
    mine = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}, "methods": {"gradcam": {}}}
    content["experiments"] |= {f"e{number}": {**mine, "methods": {f"m{number}": {}}} for number in range(count - 19)}
    content["run"] = [f"x{number}" for number in range(1000)]
    started = time.perf_counter()
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    assert time.perf_counter() - started < 10
    assert len(told.value.faults) == resolution.MOST_FAULTS + 1


def test_thousands_of_entries_are_compared_in_seconds():
    content = copy.deepcopy(GOOD)
    content["experiments"]["digits"]["sweep"] = {"seed": [{"a": number} for number in range(8000)]}
    started = time.perf_counter()
    with pytest.raises(ConfigError):
        resolution.resolve(content)
    assert time.perf_counter() - started < 10


def test_more_figures_than_can_be_planned_are_refused():
    content = copy.deepcopy(GOOD)
    content["defaults"]["methods"] = {"lime": {"sweep": {"samples": list(range(100, 300))}}}
    content["experiments"]["digits"] |= {"repeats": 150, "explain": "all"}
    content["run"] = ["digits"]
    with pytest.raises(ConfigError, match="150 experiments with 3"):
        resolution.resolve(content)


def test_more_members_than_experiments_may_be_are_refused():
    content = copy.deepcopy(GOOD)
    digits = content["experiments"]["digits"]
    content["experiments"] |= {f"s{number}": {**digits, "repeats": 200} for number in range(6)}
    with pytest.raises(ConfigError, match="at most 1,000"):
        resolution.resolve(content)


def test_folders_that_nobody_may_read_are_told(monkeypatch):
    from pathlib import Path

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    refuse_configuration(
        all_of(put("run", ["mnist"]), put("experiments.mnist.dataset.file", "a.npz")), "Permission denied", "may read"
    )
