"""One table in many spellings: the same examples, labels and groups, or a refusal that names the file."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from tests.metamorphic.respelled_tables import NUMBER_LIKE, Spelling, frames, load, rows, rows_of, spellings, texts
from tests.support.prepared import prepare

FEW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
COLUMNS = {"label": "label", "group": "who"}


def read(path, test=None, *, must=False, **parameters):
    """What is read; None where a file is refused by its name, which is an answer too where it need not be read."""
    try:
        return load(path, test, **parameters)
    except InputError as error:
        assert not must, error
        assert path.name in str(error) or (test is not None and test.name in str(error)), error
        return None


@FEW
@given(frame=frames(), spelling=spellings(), seed=st.integers(0, 99))
def test_one_file(frame, spelling, seed):
    shuffled = frame.sample(frac=1, random_state=seed)
    names = [name for name in frame.columns if name not in COLUMNS.values()]
    with tempfile.TemporaryDirectory() as name:
        path = spelling.write(shuffled, Path(name), "a")
        raw = read(path, must=spelling.plain, **COLUMNS)
    if raw is None:
        return
    assert rows(raw.train, raw.classes) == rows_of(frame)
    assert set(raw.classes) == set(frame["label"])
    assert raw.train.x.shape == (len(frame), len(names), 1)


@FEW
@given(frame=frames(), first=spellings(), second=spellings(), order=st.randoms(use_true_random=False))
def test_a_test_file_in_another_spelling_with_its_columns_in_another_order(frame, first, second, order):
    columns = list(frame.columns)
    order.shuffle(columns)
    # Arrays have no names: they are taken as they are, and beside arrays alone.
    alike = (first.suffix == "npz") == (second.suffix == "npz")
    with tempfile.TemporaryDirectory() as name:
        train = first.write(frame, Path(name), "train")
        test = second.write(frame[columns], Path(name), "test")
        raw = read(train, test, must=first.plain and second.plain and alike, **COLUMNS)
    if raw is None:
        return
    assert alike
    if first.suffix == "npz":
        return
    assert rows(raw.train, raw.classes) == rows_of(frame)
    assert rows(raw.test, raw.classes) == rows_of(frame)


@FEW
@given(frame=frames(), first=spellings(suffix="csv"), change=st.sampled_from(["renamed", "left out", "no header"]))
def test_a_test_file_with_other_columns_is_refused_by_name(frame, first, change):
    names = [name for name in frame.columns if name not in COLUMNS.values()]
    other = {
        "renamed": frame.rename(columns={names[1]: "temperature"}),
        "left out": frame.drop(columns=names[1]),
        "no header": frame,
    }[change]
    with tempfile.TemporaryDirectory() as name:
        train = Spelling().write(frame, Path(name), "train")
        test = Spelling("csv", header=change != "no header").write(other, Path(name), "test")
        with pytest.raises(InputError) as told:
            load(train, test, label="label" if change != "no header" else -1, group="who")
    if change != "no header":
        assert names[1] in str(told.value)


@FEW
@given(
    frame=st.one_of(frames(st.sampled_from(NUMBER_LIKE)), frames(texts(blanks=True))),
    suffix=st.sampled_from(["csv", "tsv", "txt", "parquet", "npz"]),
)
def test_labels_are_texts(frame, suffix):
    """Different texts are different classes, and each class is called what its examples are labelled with."""
    with tempfile.TemporaryDirectory() as name:
        path = Spelling(suffix, "\t" if suffix == "tsv" else ";").write(frame, Path(name), "a")
        raw = read(path, **COLUMNS)
    if raw is None:
        return
    labels = {tuple(values): label for values, label, _ in rows_of(frame)}
    named = {(labels[values], called) for values, called, _ in rows(raw.train, raw.classes)}
    assert len(named) == len(raw.classes) == frame["label"].str.strip().nunique()
    whole = {label.removesuffix(".0") for label, _ in named}
    floats = len(whole) == len(named) and all(re.fullmatch(r"-?(0|[1-9][0-9]*)", text) for text in whole)
    for label, called in named:
        assert called == (label.removesuffix(".0") if floats else label)


@FEW
@given(
    frame=frames(),
    names=st.one_of(
        st.integers(0, 2).map(lambda first: [str(first + at) for at in range(9)]),
        st.floats(300, 900).map(lambda first: [f"{first + 1.5 * at:.1f}" for at in range(9)]),
        st.lists(st.sampled_from(NUMBER_LIKE), min_size=9, max_size=9, unique=True),
        st.permutations([str(at) for at in range(9)]),
        st.just([f"{at}_{at}" for at in range(9)]),
    ),
    numbered=st.booleans(),
    label=st.sampled_from(["label", "9", "960.1"]),
)
def test_names_that_are_numbers_are_a_header_or_refused(frame, names, numbered, label):
    written = frame.drop(columns="who")
    if numbered:
        written["label"] = pd.factorize(written["label"])[0]
    written.columns = [*names[: written.shape[1] - 1], label]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.csv"
        written.to_csv(path, index=False)
        raw = read(path)
    if raw is None:
        return
    assert len(raw.train.y) == len(frame)
    assert len(raw.classes) == frame["label"].nunique()


@FEW
@given(frame=frames(), numbered=st.booleans(), rising=st.booleans(), seed=st.integers(0, 9))
def test_an_example_in_the_first_line_is_no_header_or_refused(frame, numbered, rising, seed):
    written = frame.drop(columns="who").sample(frac=1, random_state=seed)
    if numbered:
        written["label"] = pd.factorize(written["label"])[0]
    if rising:
        written.iloc[0, :-1] = np.arange(written.shape[1] - 1)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.csv"
        written.to_csv(path, index=False, header=False)
        raw = read(path)
    if raw is None:
        return
    assert len(raw.train.y) == len(frame)


@FEW
@given(order=st.permutations(range(5)), label=st.integers(0, 4), suffix=st.sampled_from(["csv", "parquet"]))
def test_a_number_that_is_the_name_of_a_column_is_that_column(order, label, suffix):
    """The column named n holds 10 n, and 10 n + 1 in every second row."""
    frame = pd.DataFrame({str(name): [10 * name, 10 * name + 1] * 4 for name in order})
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"a.{suffix}"
        frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
        raw = load(path, label=label, **({"header": True} if suffix == "csv" else {}))
    assert raw.classes == (str(10 * label), str(10 * label + 1))
    assert not np.isin(raw.train.x, (10 * label, 10 * label + 1)).any()


@settings(FEW, max_examples=6)
@given(
    shared=st.lists(st.sampled_from(["p1", "7", "01", "x y"]), min_size=1, max_size=3, unique=True),
    first=st.sampled_from(["csv", "parquet", "npz"]),
)
def test_groups_on_both_sides_are_refused_by_name(shared, first):
    frame = pd.DataFrame({"a": np.arange(12.0), "b": np.arange(12.0) % 5, "who": "q", "label": ["N", "V"] * 6})
    train = frame.assign(who=[*shared, *(["only train"] * 12)][:12])
    test = frame.assign(a=frame["a"] + 100, who=[*shared, *(["only test"] * 12)][:12])
    with tempfile.TemporaryDirectory() as name:
        paths = {
            "file": str(Spelling(first).write(train, Path(name), "train")),
            "test": str(Spelling(first).write(test, Path(name), "test")),
        }
        dataset = {"source": "table", **paths, **COLUMNS}
        with pytest.raises(InputError) as told:
            prepare(Path(name) / "out", dataset, paths=paths)
        assert all(group in str(told.value) for group in shared)
        split = {"test": 0.2, "validation": 0.2, "by_group": False}
        prepare(Path(name) / "out", dataset, paths=paths, split=split)
        data_info = (Path(name) / "out" / "data.json").read_text()
        assert all(group in data_info for group in shared)
