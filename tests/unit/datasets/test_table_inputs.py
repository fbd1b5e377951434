"""Several inputs from one table: which columns and arrays each holds, and what is refused before any training."""

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.config import input_files, resolution
from pellucid.config.resolution import ConfigError
from pellucid.datasets import table
from pellucid.errors import InputError

ECG, PATIENT = {"signal": "t*", "unit": "mV"}, ["age", "sex"]
BOTH = {"ecg": ECG, "patient": PATIENT}
HEADER = ["t0", "t1", "t2", "t3", "age", "sex", "who", "label"]


def rows(count=12, edit=lambda rows: None):
    """A header and rows of four samples, two numbers, a person and a class, after `edit`."""
    written = [[*HEADER]]
    for row in range(count):
        written.append([*(str(10 * row + place) for place in range(4)), str(40 + row), str(row % 2)])
        written[-1] += [f"p{row % 4}", "ab"[row // 2 % 2]]
    edit(written)
    return "".join(",".join(row) + "\n" for row in written)


def read(folder, content, inputs=BOTH, name="data.csv", **parameters):
    path = folder / name
    if isinstance(content, dict):
        np.savez(path.with_suffix(".npz"), **content)
        path = path.with_suffix(".npz")
    else:
        path.write_text(content)
    return table.load({"file": path}, np.random.default_rng(0), inputs=inputs, **parameters)


def test_each_input_has_its_columns_and_what_is_known_of_them(tmp_path):
    raw = read(tmp_path, rows(), group="who")
    assert raw.train.x.shape == (12, 4, 1)
    np.testing.assert_array_equal(raw.train.x[3, :, 0], [30, 31, 32, 33])
    np.testing.assert_array_equal(raw.train.others["patient"].x[:, 0], 40 + np.arange(12))
    np.testing.assert_array_equal(raw.train.others["patient"].x[:, 1], np.arange(12) % 2)
    assert [(about.name, about.channels, about.units) for about in raw.inputs] == [
        ("ecg", ("signal",), ("mV",)),
        ("patient", ("age", "sex"), ("", "")),
    ]
    assert raw.train.group.tolist()[:4] == ["p0", "p1", "p2", "p3"]
    np.testing.assert_array_equal(raw.train.y, np.arange(12) // 2 % 2)


def test_two_series_with_channels_of_their_own(tmp_path):
    inputs = {"a": {"signal": ["t0", "t1"], "sampling_rate": 10}, "b": {"signal": ["t2", "t3"], "channels": ["u", "v"]}}
    raw = read(tmp_path, rows(), inputs)
    assert (raw.train.x.shape, raw.train.others["b"].x.shape) == ((12, 2, 1), (12, 1, 2))
    assert [about.sampling_rate for about in raw.inputs] == [10, None]
    assert raw.inputs[1].channels == ("u", "v")


def test_the_arrays_of_an_archive_and_the_names_of_their_numbers(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"sig": rng.random((8, 5, 2)), "lab": rng.random((8, 3)), "age": np.arange(8), "y": np.arange(8) % 2}
    raw = read(tmp_path, arrays, {"ecg": {"signal": "sig"}, "patient": ["lab", "age"]})
    assert raw.train.x.shape == (8, 5, 2)
    numbers = raw.train.others["patient"].x
    np.testing.assert_array_equal(numbers, np.column_stack([arrays["lab"], arrays["age"]]).astype(numbers.dtype))
    assert raw.inputs[1].channels == ("lab 1", "lab 2", "lab 3", "age")


def test_classes_that_are_left_out_are_left_out_of_each_input(tmp_path):
    def third(written):
        for row in (1, 5, 9):
            written[row][-1] = "c"

    raw = read(tmp_path, rows(edit=third), classes=["a", "b"])
    assert len(raw.train.x) == 9
    np.testing.assert_array_equal(raw.train.x[:, 0, 0] // 10 + 40, raw.train.others["patient"].x[:, 0])


def test_a_test_file_with_its_columns_in_another_order(tmp_path):
    (tmp_path / "train.csv").write_text(rows())
    turned = [line.split(",")[::-1] for line in rows(4).splitlines()]
    (tmp_path / "test.csv").write_text("".join(",".join(line) + "\n" for line in turned))
    files = {"file": tmp_path / "train.csv", "test": tmp_path / "test.csv"}
    raw = table.load(files, np.random.default_rng(0), inputs=BOTH, group="who", label="label")
    np.testing.assert_array_equal(raw.test.x[2, :, 0], [20, 21, 22, 23])
    np.testing.assert_array_equal(raw.test.others["patient"].x[:, 0], 40 + np.arange(4))


def by_class(folder, *examples):
    """Two files, each a class, of examples (t, age)."""
    for number, written in enumerate(examples):
        (folder / f"{number}.csv").write_text("t,age\n" + "".join(f"{t},{age}\n" for t, age in written))
    files = {f"file_{number + 1}": folder / f"{number}.csv" for number in range(len(examples))}
    inputs = {"ecg": {"signal": "t"}, "patient": ["age"]}
    return table.load(files, np.random.default_rng(0), label="file", inputs=inputs)


def test_two_patients_of_one_age_may_have_two_classes(tmp_path):
    raw = by_class(tmp_path, [(1, 50), (2, 60)], [(3, 50), (2, 61)])
    assert raw.train.others["patient"].x[:, 0].tolist() == [50, 60, 50, 61]
    assert raw.train.y.tolist() == [0, 0, 1, 1]


def test_an_example_that_is_equal_in_all_inputs_has_one_class(tmp_path):
    with pytest.raises(InputError, match=r"1\.csv, line 3: found the same example as in .*0\.csv, line 2, of another"):
        by_class(tmp_path, [(1, 50), (2, 60)], [(3, 50), (1, 50)])


def archives(folder, second):
    """Two archives of 4 examples, of which `second` changes the other; what the source gets of them."""
    arrays = {"sig": np.arange(20.0).reshape(4, 5), "lab": np.arange(8.0).reshape(4, 2), "y": np.array(list("abab"))}
    np.savez(folder / "1.npz", **arrays)
    np.savez(folder / "2.npz", **{**arrays, **second})
    return folder / "1.npz", folder / "2.npz"


IN_ARCHIVES = {"ecg": {"signal": "sig"}, "patient": ["lab"]}


def test_several_archives_and_some_of_their_classes(tmp_path):
    first, second = archives(tmp_path, {"y": np.array(list("abcc"))})
    files = {"file_1": first, "file_2": second}
    raw = table.load(files, np.random.default_rng(0), inputs=IN_ARCHIVES, classes=["a", "b"])
    assert raw.inputs[1].channels == ("lab 1", "lab 2")
    np.testing.assert_array_equal(raw.train.others["patient"].x[:, 0], [0, 2, 4, 6, 0, 2])
    np.testing.assert_array_equal(raw.train.x[:, 0, 0], [0, 5, 10, 15, 0, 5])


@pytest.mark.parametrize("key", ["file_2", "test"])
def test_archives_with_other_numbers_are_refused(tmp_path, key):
    first, second = archives(tmp_path, {"lab": np.zeros((4, 3))})
    names = {"file_2": "file_1", "test": "file"}
    with pytest.raises(
        InputError, match=r"2\.npz, example 1: found the numbers lab 1, lab 2, lab 3; expected .* lab 2, as"
    ):
        table.load({names[key]: first, key: second}, np.random.default_rng(0), inputs=IN_ARCHIVES)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(6)), st.integers(1, 4), st.integers(0, 2**31))
def test_any_division_of_the_columns_gives_back_the_table(tmp_path_factory, order, cut, seed):
    values = np.random.default_rng(seed).integers(-999, 999, (6, 6))
    text = io.StringIO()
    np.savetxt(text, np.column_stack([values, np.arange(6) % 2]), "%d", ",", header="a,b,c,d,e,f,y", comments="")
    columns = ["abcdef"[place] for place in order]
    inputs = {"first": columns[:cut], "second": {"signal": columns[cut:]}}
    raw = read(tmp_path_factory.mktemp("table"), text.getvalue(), inputs)
    found = np.column_stack([raw.train.x, raw.train.others["second"].x[:, :, 0]])
    np.testing.assert_array_equal(found, values[:, order])


def cell(row, column, text):
    return rows(edit=lambda written: written[row].__setitem__(HEADER.index(column), text))


ARRAYS = {"sig": np.ones((8, 5, 2)), "age": np.arange(8.0), "y": np.arange(8) % 2}
IN_ARRAYS = {"ecg": {"signal": "sig"}, "patient": ["age"]}
# What only the file tells.
OF_FILES = {
    "missing column": (
        rows(),
        {**BOTH, "patient": ["age", "height"]},
        'data.csv, inputs.patient: found no column "height"; expected one of t0',
    ),
    "missing series": (rows(), {**BOTH, "ecg": {"signal": "ecg_*"}}, 'found no column like "ecg_*"'),
    "text in a number": (
        cell(3, "sex", "F"),
        BOTH,
        'line 4, column 6 (sex): found "F"; expected a number. dataset.inputs.patient names',
    ),
    "empty number": (cell(3, "age", ""), BOTH, "line 4, column 5 (age): found an empty cell or NaN; expected a number"),
    "infinite number": (cell(3, "age", "inf"), BOTH, "infinity"),
    "empty sample": (cell(3, "t1", ""), BOTH, "an empty cell or NaN"),
    "label inside": (rows(), {**BOTH, "patient": ["age", "label"]}, '"label" cannot be both signal and label'),
    "label inside by position": (rows(), {**BOTH, "patient": ["age", -1]}, '"label" cannot be both signal and label'),
    "one column in two": (rows(), {**BOTH, "patient": ["age", 2]}, 'found column 2 (t1), which the input "ecg" has'),
    "column twice": (rows(), {**BOTH, "patient": ["age", 5]}, 'signal has the column "age" twice'),
    "position too far": (rows(), {**BOTH, "patient": [99]}, "found position 99"),
    "uneven channels": (rows(), {**BOTH, "ecg": {"signal": "t*", "channels": ["u", "v", "w"]}}, "3 channels in 4"),
    "missing array": (ARRAYS, {**IN_ARRAYS, "patient": ["sex"]}, 'inputs.patient: found no array "sex"'),
    "arrays of other rows": ({**ARRAYS, "age": np.arange(7.0)}, IN_ARRAYS, "found an array of shape (8,) beside"),
    "numbers of other rows": (
        {**ARRAYS, "sex": np.zeros(7)},
        {**IN_ARRAYS, "patient": ["age", "sex"]},
        "sex: found an array of float64 and shape (7,); expected 8 rows, as in age",
    ),
    "texts for numbers": ({**ARRAYS, "age": np.array(list("abcdefgh"))}, IN_ARRAYS, "age: found an array of <U1"),
    "a series for numbers": ({**ARRAYS, "age": np.ones((8, 3, 2))}, IN_ARRAYS, "A series is written as {signal: KEY}"),
    "NaN in an array": ({**ARRAYS, "age": np.full(8, np.nan)}, IN_ARRAYS, "example 1, age: found an empty cell or NaN"),
}


@pytest.mark.parametrize("case", OF_FILES)
def test_a_file_that_does_not_hold_the_inputs_is_refused(tmp_path, case):
    content, inputs, told = OF_FILES[case]
    with pytest.raises(InputError) as error:
        read(tmp_path, content, inputs)
    assert told in str(error.value)


OWN = {"architecture": "function", "build": "mine:net", "features": []}


def experiment(folder, inputs, *, model=OWN, dataset=(), **others):
    (folder / "data.csv").write_text(rows())
    (folder / "mine.py").write_text("def net(shapes, outputs):\n    pass\n")
    entry = {"source": "table", "file": str(folder / "data.csv"), "inputs": inputs, **dict(dataset)}
    if entry["inputs"] is None:
        del entry["inputs"]
    model = {**model, "folder": str(folder)} if model is OWN else model
    return {"run": ["a"], "experiments": {"a": {"dataset": entry, "model": model, **others}}}


# What the configuration alone tells, before any job is planned.
OF_CONFIG = {
    "one input": ({"inputs": {"ecg": ECG}}, "inputs: found {'ecg'"),
    "no inputs": ({"inputs": {}}, "inputs: found {}"),
    "empty list": (
        {"inputs": {**BOTH, "patient": []}},
        "inputs.patient: found []; expected a list of columns of numbers",
    ),
    "empty mapping": ({"inputs": {**BOTH, "ecg": {}}}, "inputs.ecg: found nothing; expected the key signal as well"),
    "a text": ({"inputs": {**BOTH, "patient": "age"}}, 'found "age"; expected a list of columns'),
    "series without columns": ({"inputs": {**BOTH, "ecg": {"unit": "mV"}}}, "expected the key signal as well"),
    "unknown key": ({"inputs": {**BOTH, "ecg": {**ECG, "chanels": ["u"]}}}, 'Did you mean "channels"?'),
    "all columns": ({"inputs": {**BOTH, "ecg": {"signal": "all"}}}, "signal: found all; expected"),
    "odd name": ({"inputs": {**BOTH, "a/b": ["who"]}}, 'found the name "a/b"'),
    "shared column": ({"inputs": {**BOTH, "more": ["age"]}}, 'found "age", which is also the input "patient"'),
    "named label": (
        {"inputs": {**BOTH, "more": ["who"]}, "dataset": {"label": "who"}},
        'found "who", which is also label',
    ),
    "named group": (
        {"inputs": {**BOTH, "more": ["who"]}, "dataset": {"group": "who"}},
        'found "who", which is also group',
    ),
    "column twice": ({"inputs": {**BOTH, "patient": ["age", "age"]}}, 'found "age" twice'),
    "true for a column": ({"inputs": {**BOTH, "patient": [True]}}, "a name, a pattern or a position"),
    "signal beside": ({"inputs": BOTH, "dataset": {"signal": "t*"}}, 'table.signal: found "t*", and inputs'),
    "channels beside": ({"inputs": BOTH, "dataset": {"channels": ["u"]}}, "table.channels"),
    "padded": ({"inputs": BOTH, "dataset": {"lengths": "pad"}}, "table.lengths: found pad, and inputs"),
    "shipped": ({"inputs": BOTH, "model": {"architecture": "gap_cnn"}}, "which has one input, and data of several"),
    "explained": ({"inputs": BOTH, "examples": {"input": "ECG"}}, 'examples.input: found "ECG"; expected one of'),
    "explained of one": (
        {"inputs": None, "model": {"architecture": "gap_cnn"}, "examples": {"input": "ecg"}},
        'found "ecg", and data of one input',
    ),
    "augmented": (
        {"inputs": BOTH, "training": {"augmentation": {"shift": 2}}},
        "augmentation.shift: found 2, and data",
    ),
    "range": ({"inputs": BOTH, "model": {**OWN, "input_range": [0, 255]}}, "model.input_range: found [0, 255]"),
}


@pytest.mark.parametrize("case", OF_CONFIG)
def test_a_configuration_of_inputs_that_cannot_be_is_refused(tmp_path, case):
    entry, told = OF_CONFIG[case]
    entry = dict(entry)
    if entry.get("model", OWN)["architecture"] == "function" and "model" in entry:
        entry["model"] = {**entry["model"], "folder": str(tmp_path)}
    with pytest.raises(ConfigError) as error:
        resolution.resolve(experiment(tmp_path, entry.pop("inputs"), **entry))
    assert told in str(error.value)


def test_the_first_input_is_explained_unless_another_is_named(tmp_path):
    def explained(**others):
        return resolution.resolve(experiment(tmp_path, {"z": ECG, "a": PATIENT}, **others)).experiments["a"]["examples"]

    assert explained()["input"] == "z"
    assert explained(examples={"input": "a"})["input"] == "a"


def test_a_study_explains_each_input_in_turn(tmp_path):
    sweep = {"examples.input": ["ecg", "patient"]}
    members = resolution.resolve(experiment(tmp_path, BOTH, sweep=sweep)).experiments
    assert sorted(entry["examples"]["input"] for entry in members.values()) == ["ecg", "patient"]
    # Numbers have no axis for convolutions to lie along.
    of = {entry["examples"]["input"]: entry["methods"] for entry in members.values()}
    assert "grad_cam" not in of["patient"]


def test_declared_convolutions_are_those_of_a_series(tmp_path):
    model = {**OWN, "folder": str(tmp_path), "features": ["conv", "relu"]}
    of = {
        name: resolution.resolve(experiment(tmp_path, BOTH, model=model, examples={"input": name})).experiments["a"]
        for name in BOTH
    }
    assert "grad_cam" in of["ecg"]["methods"]
    assert "grad_cam" not in of["patient"]["methods"]


def test_the_files_of_the_other_inputs_are_those_of_experiments_that_have_some(tmp_path):
    content = experiment(tmp_path, BOTH)
    content["experiments"]["b"] = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}
    config = resolution.resolve({**content, "run": ["a", "b"]})
    assert input_files.others(config, "a", "test") == {"other_test": "results/a/data/other_test.npz"}
    assert input_files.others(config, "b", "test") == {}
    patterns = input_files.with_several(config), input_files.with_one(config)
    for name, wanted in (("a", [True, False]), ("b", [False, True])):
        fits = [re.fullmatch(f"results/(?P<experiment>{pattern})/x", f"results/{name}/x") for pattern in patterns]
        assert [match is not None for match in fits] == wanted


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=4) | st.sampled_from(["t*", "age"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["signal", "channels", "layout", "unit", "sampling_rate"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["ecg", "patient", "a/b", "", "x" * 101]), ODD, max_size=3) | ODD)
def test_whatever_is_written_under_inputs_is_read_or_refused_in_words(tmp_path_factory, inputs):
    folder = tmp_path_factory.mktemp("odd")
    content = experiment(folder, BOTH)
    content["experiments"]["a"]["dataset"]["inputs"] = inputs
    try:
        config = resolution.resolve(content)
    except ConfigError as error:
        assert all("inputs" in fault or "dataset" in fault for fault in error.faults)
        return
    if "input" not in config.experiments["a"]["examples"]:
        assert inputs is None
        return
    entry = config.experiments["a"]["dataset"]["inputs"]
    try:
        raw = table.load({"file": folder / "data.csv"}, np.random.default_rng(0), inputs=entry)
    except InputError:
        return
    assert {about.name for about in raw.inputs} == set(inputs)
