"""Splits, scaling and what is reported of the data."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import files, plugins
from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.errors import InputError
from pellucid.prepare.checks import first_not_finite, shared_groups
from pellucid.prepare.description import duplicates
from pellucid.prepare.run import preprocess
from pellucid.prepare.scaling import minmax, rescale, standard
from pellucid.prepare.split import SPLITS, divide, stratified
from tests.support.prepared import UNCHECKED, prepare

SPLIT = {"test": 0.2, "validation": 0.15}


def raw(n=200, test=None, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, (n, 10, 2)).astype(np.float32)
    return RawData(
        Examples(x, np.arange(n) % classes, x > 3),
        test,
        tuple("abcd"[:classes]),
        ("u", "v"),
    )


def test_every_split_has_its_share_of_every_class(rng):
    splits = divide(raw(), test=0.2, validation=0.25, rng=rng)
    assert [len(splits[name].y) for name in SPLITS] == [120, 40, 40]
    for examples in splits.values():
        assert np.ptp(np.bincount(examples.y)) == 0


def test_no_example_is_in_two_splits_and_none_is_lost(rng):
    data = raw()
    data.train.x[:, 0, 0] = np.arange(200)
    splits = divide(data, test=0.2, validation=0.25, rng=rng)
    found = np.concatenate([np.asarray(splits[name].x)[:, 0, 0] for name in SPLITS])
    np.testing.assert_array_equal(np.sort(found), np.arange(200))
    for examples in splits.values():
        x, truth = np.asarray(examples.x), np.asarray(examples.truth)
        np.testing.assert_array_equal(truth[:, 1:], x[:, 1:] > 3)
        np.testing.assert_array_equal(examples.y, x[:, 0, 0].astype(int) % 4)


def test_the_sources_own_test_set_is_kept_and_validation_comes_out_of_train(rng):
    own = raw(40, seed=1).train
    splits = divide(raw(200, own), test=0.2, validation=0.1, rng=rng)
    np.testing.assert_array_equal(splits["test"].x, own.x)
    assert len(splits["train"].y) + len(splits["validation"].y) == 200


def test_a_rare_class_keeps_one_on_each_side(rng):
    y = np.array([0] * 97 + [1] * 3)
    rest, drawn = stratified(y, 0.01, rng)
    assert (y[drawn] == 1).sum() == 1
    assert (y[rest] == 1).sum() == 2


def grouped(n=120, groups=12):
    data = raw(n)
    data.train.group = np.array([f"patient {index // (n // groups)}" for index in range(n)])
    return data


@pytest.mark.parametrize(("folds", "fold"), [(None, 0), (4, 0), (4, 3)])
def test_a_group_in_any_order_of_examples_lies_on_one_side(rng, folds, fold):
    data = grouped()
    data.train.group = rng.permutation(data.train.group)
    splits = divide(data, test=0.25, validation=0.25, folds=folds, fold=fold, rng=rng)

    groups = [set(splits[name].group) for name in SPLITS]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert set.union(*groups) == set(data.train.group)


def test_a_group_lies_on_one_side_of_every_split(rng):
    splits = divide(grouped(), test=0.25, validation=0.25, rng=rng)

    groups = [set(splits[name].group) for name in SPLITS]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert len(splits["test"].y) == 30
    mixed = divide(grouped(), test=0.25, validation=0.25, by_group=False, rng=rng)
    assert set(mixed["train"].group) & set(mixed["test"].group)


@pytest.mark.parametrize("data", [raw(120), grouped()])
def test_every_example_is_in_the_test_set_of_one_fold(data):
    tests = [
        divide(data, test=0.2, validation=0.25, folds=4, fold=fold, rng=np.random.default_rng(0))["test"]
        for fold in range(4)
    ]

    assert sum(len(one.y) for one in tests) == len(data.train.y)
    assert len(np.unique(np.concatenate([np.asarray(one.x) for one in tests]), axis=0)) == len(data.train.y)


def test_folds_leave_the_sources_own_test_set_aside(rng):
    data = raw(120, test=Examples(np.zeros((5, 10, 2), np.float32), np.zeros(5, np.int64)))

    assert len(divide(data, test=0.2, validation=0.25, folds=4, rng=rng)["test"].y) == 30


@pytest.mark.parametrize(("own", "folds", "told"), [(True, 4, True), (True, None, False), (False, 4, False)])
def test_the_notes_say_that_the_sources_own_test_set_is_left_aside(tmp_path, monkeypatch, caplog, own, folds, told):
    data = replace(raw(120, raw(40, seed=1).train if own else None), notes=("One.",))
    source = SimpleNamespace(SPEC=SourceSpec("A", "series", "B", "C", "D"), load=lambda files, rng: data)
    monkeypatch.setitem(plugins.load("datasets"), "given", source)
    split = SPLIT | ({"folds": folds, "fold": 1} if folds else {})
    preprocess(dataset={"source": "given"}, paths={}, split=split, scale="none", seed=1, folder=tmp_path)
    aside = "The test examples are a fold of the source's training examples; its own test set is left aside."
    assert files.read_json(tmp_path / "data.json")["notes"] == ["One.", *([aside] if told else [])]
    assert (aside in caplog.text) == told
    assert data.notes == ("One.",)


@pytest.mark.parametrize(("share", "count"), [(0.5, 96), (2 / 3, 128), (0.75, 144), (0.8, 152)])
def test_whole_groups_come_to_about_a_large_share_too(share, count):
    data = grouped(192, 24)

    splits = divide(data, test=share, validation=0.5, rng=np.random.default_rng(0))

    # Groups of 8: of 24, four fifths are 19.
    assert abs(len(splits["test"].y) - count) <= 8
    groups = [set(splits[name].group) for name in SPLITS]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


def test_fewer_groups_or_examples_than_folds_are_refused(rng):
    with pytest.raises(InputError, match=r"2 group\(s\).*expected 3 or more"):
        divide(grouped(groups=2), test=0.25, validation=0.25, rng=rng)
    with pytest.raises(InputError, match=r"a class with 5 example\(s\); expected 7"):
        divide(raw(20), test=0.2, validation=0.2, folds=7, rng=rng)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_statistics_come_from_train_alone(rng, scale):
    far = raw(40, seed=1).train
    far.x += 1000
    splits = divide(raw(200, far), test=0.2, validation=0.1, rng=rng)
    rescale(splits, scale)
    train, test = np.asarray(splits["train"].x), np.asarray(splits["test"].x)
    if scale == "standard":
        np.testing.assert_allclose(train.mean((0, 1)), 0, atol=1e-5)
        np.testing.assert_allclose(train.std((0, 1)), 1, atol=1e-5)
    else:
        np.testing.assert_allclose(train.min((0, 1)), 0, atol=1e-6)
        np.testing.assert_allclose(train.max((0, 1)), 1, atol=1e-6)
    assert test.min() > 50


def test_a_constant_channel_becomes_zero(rng):
    data = raw()
    data.train.x[..., 1] = 7
    splits = divide(data, test=0.2, validation=0.1, rng=rng)
    rescale(splits, "standard")
    assert all((np.asarray(splits[name].x)[..., 1] == 0).all() for name in SPLITS)


def test_a_channel_that_is_constant_in_training_alone_is_told(rng):
    own, data = raw(40, seed=1).train, raw()
    data.train.x[..., 1] = own.x[..., 1] = 7
    own.x[3, 5, 1] = 900
    told = []
    for test in (own, replace(own, filling=np.where(own.x == 900, np.uint8(1), np.uint8(0)))):
        splits = divide(replace(data, test=test), test=0.2, validation=0.1, rng=rng)
        told.append(rescale(splits, "standard", ("I", "II"))[1])
    constant = "Constant in the training examples, and 0 after scaling: II."
    assert [notes[0] for notes in told] == [constant] * 2
    assert [notes[1:] for notes in told][1] == []  # a filled value was not measured
    assert len(told[0]) == 2
    assert "Some test examples have other values than this constant" in told[0][1]
    assert told[0][1].endswith(": II.")


@pytest.mark.parametrize("per_block", [1, 7, 1000])
def test_statistics_are_those_of_the_whole_array(rng, monkeypatch, per_block):
    x = rng.normal(1e4, [1, 50, 3], (200, 10, 3)).astype(np.float32)
    monkeypatch.setattr("pellucid.lazy_array._BYTES", per_block * x[0].nbytes)
    exact = x.astype(np.longdouble)
    mean, deviation = standard(x)
    np.testing.assert_allclose(mean, exact.mean((0, 1)).astype(np.float64), rtol=1e-15)
    np.testing.assert_allclose(deviation, exact.std((0, 1)).astype(np.float64), rtol=1e-13)
    if per_block == 1000:
        # Of one block they are numpy's own, to the last bit.
        np.testing.assert_array_equal(mean, x.mean((0, 1), np.float64))
        np.testing.assert_array_equal(deviation, x.std((0, 1), np.float64))
    low, reach = minmax(x)
    np.testing.assert_array_equal(low, x.min((0, 1)))
    np.testing.assert_array_equal(reach, x.max((0, 1)) - low)


def test_the_first_example_that_is_not_finite_is_found_in_any_block(monkeypatch):
    x = np.zeros((20, 4), np.float32)
    monkeypatch.setattr("pellucid.lazy_array._BYTES", 3 * x[0].nbytes)
    assert first_not_finite(x) is None
    x[[13, 17], 2] = np.nan, np.inf
    assert first_not_finite(x) == 13


@pytest.mark.parametrize("scale", ["none", "standard", "minmax"])
@pytest.mark.parametrize("own", [False, True])
def test_a_set_mapped_from_a_file_gives_the_same_files(tmp_path, monkeypatch, scale, own):
    monkeypatch.setattr("pellucid.lazy_array._BYTES", 1000)
    data = raw(120, raw(40, seed=1).train if own else None)
    data.train.group = np.array([f"patient {index // 4}" for index in range(120)])
    files.write_array(tmp_path / "x.npy", data.train.x)
    files.write_array(tmp_path / "truth.npy", data.train.truth)
    mapped = Examples(
        files.map_array(tmp_path / "x.npy"), data.train.y, files.map_array(tmp_path / "truth.npy"), data.train.group
    )
    for name, train in (("memory", data.train), ("file", mapped)):
        given = RawData(train, data.test, data.classes, data.channels)
        source = SimpleNamespace(
            SPEC=SourceSpec("A", "series", "B", "C", "D"), load=lambda files, rng, given=given: given
        )
        monkeypatch.setitem(plugins.load("datasets"), "given", source)
        preprocess(
            dataset={"source": "given"}, paths={}, split=SPLIT, scale=scale, seed=1, folder=tmp_path / name, memory_mb=0
        )
    written = sorted((tmp_path / "memory").iterdir())
    assert len(written) == 8
    for path in written:
        assert path.read_bytes() == (tmp_path / "file" / path.name).read_bytes(), path.name
    assert isinstance(data.train.x, np.ndarray)
    np.testing.assert_array_equal(data.train.x, raw(120).train.x)


def test_duplicates_are_counted_within_and_across(rng):
    x = rng.normal(size=(10, 5, 1)).astype(np.float32)
    splits = {
        "train": Examples(x[[0, 1, 2, 2]], np.zeros(4, int)),
        "validation": Examples(x[[3, 0]], np.zeros(2, int)),
        "test": Examples(x[[1, 1, 2, 4]], np.zeros(4, int)),
    }
    assert duplicates(splits) == {
        "within_train": 1,
        "within_validation": 0,
        "within_test": 1,
        "validation_in_train": 1,
        "test_in_train": 3,
        "test_in_validation": 0,
    }


@pytest.mark.parametrize(
    ("source", "shape", "classes", "counts"),
    [("digits", (8, 8, 1), 10, (1222, 216, 359)), ("basic_motions", (100, 6), 4, (32, 8, 40))],
)
def test_real_sets_end_as_arrays_that_can_be_mapped(tmp_path, source, shape, classes, counts):
    prepare(tmp_path, source)
    data_info, labels = files.read_json(tmp_path / "data.json"), files.read_arrays(tmp_path / "labels.npz")
    assert data_info["licence"]
    assert data_info["citation"]
    assert len(data_info["classes"]) == classes
    for name, count in zip(SPLITS, counts, strict=True):
        x = files.map_array(tmp_path / f"x_{name}.npy")
        assert isinstance(x, np.memmap)
        assert x.dtype == np.float32
        assert x.shape == (count, *shape)
        assert labels[name].shape == (count,)
        assert sum(data_info["counts"][name].values()) == count


def test_basic_motions_is_the_published_set(tmp_path):
    from aeon.datasets import load_basic_motions

    prepare(tmp_path, "basic_motions")
    x, names = load_basic_motions(split="test")
    np.testing.assert_allclose(np.load(tmp_path / "x_test.npy"), x.transpose(0, 2, 1), rtol=1e-6)
    classes = files.read_json(tmp_path / "data.json")["classes"]
    assert [classes[label] for label in files.read_arrays(tmp_path / "labels.npz")["test"]] == list(names)


def test_same_seed_same_bytes(tmp_path):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        prepare(tmp_path / name, seed=seed)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes(), path.name
    assert (tmp_path / "one" / "x_train.npy").read_bytes() != (tmp_path / "other" / "x_train.npy").read_bytes()


def heartbeats(real_data):
    paths = {name: str(real_data / "mitbih" / f"mitbih_{name}.csv") for name in ("train", "test")}
    return {"source": "mitbih", **paths, **UNCHECKED}, paths


def test_real_heartbeats_are_the_files_rows(real_data, tmp_path):
    dataset, paths = heartbeats(real_data)
    prepare(tmp_path, {**dataset, "samples": 186}, paths=paths)
    rows = np.loadtxt(paths["test"], delimiter=",")
    np.testing.assert_allclose(np.load(tmp_path / "x_test.npy")[..., 0], rows[:, :186], atol=1e-6)
    np.testing.assert_array_equal(files.read_arrays(tmp_path / "labels.npz")["test"], rows[:, 187])
    data_info = files.read_json(tmp_path / "data.json")
    assert data_info["classes"] == ["N", "S", "V", "F", "Q"]
    assert list(data_info["counts"]["test"].values()) == [100] * 5
    assert len(data_info["files"]["train"]["sha256"]) == 64


def test_real_mnist_is_the_archives_images(real_data, tmp_path):
    path = str(real_data / "mnist" / "mnist.npz")
    dataset = {"source": "mnist", "file": path, "file_sha256": "none"}
    prepare(tmp_path, dataset, paths={"file": path})
    with np.load(path) as archive:
        np.testing.assert_allclose(np.load(tmp_path / "x_test.npy")[..., 0], archive["x_test"] / 255, atol=1e-6)


def test_real_files_larger_than_the_memory_give_the_same_files(real_data, tmp_path):
    beats, path = heartbeats(real_data), str(real_data / "mnist" / "mnist.npz")
    digits = {"source": "mnist", "file": path, "file_sha256": "none"}, {"file": path}
    # Tables are read row by row. An archive unpacks one array at a time: the digits' largest takes 6 MB, as float32 24 MB.
    for (dataset, paths), memory_mb in ((beats, 0), (digits, 12)):
        small, large = (tmp_path / dataset["source"] / str(mb) for mb in (memory_mb, 1024))
        prepare(small, dataset, paths=paths, memory_mb=memory_mb)
        prepare(large, dataset, paths=paths, memory_mb=1024)
        for written in small.iterdir():
            assert written.read_bytes() == (large / written.name).read_bytes(), written.name


def both_sides(train=("p1", "p2"), test=("p2", "p3"), shared=frozenset()):
    first, second = raw(20).train, raw(20, seed=1).train
    first.group, second.group = np.array([*train] * 10), np.array([*test] * 10)
    return replace(raw(), train=first, test=second, shared_groups=shared)


def test_groups_of_the_sources_own_test_set_are_kept_apart():
    with pytest.raises(InputError, match=r"1 of the 2 groups .*: p2"):
        shared_groups(both_sides(), "source", by_group=True)
    (note,) = shared_groups(both_sides(), "source", by_group=False)
    assert "p2" in note
    for apart in (both_sides(test=("p3", "p4")), both_sides(shared=frozenset({"p2"})), raw()):
        assert shared_groups(apart, "source", by_group=True) == ()


def test_groups_of_image_folders_are_kept_apart(tmp_path, rng):
    from PIL import Image

    for side, groups in (("train", "pq"), ("test", "qr")):
        for at, group in enumerate(groups * 4):
            path = tmp_path / side / "ab"[at // 4] / group / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).save(path)
    dataset = {"source": "images", "folder": str(tmp_path / "train"), "test_folder": str(tmp_path / "test")}
    with pytest.raises(InputError, match="groups .*: q"):
        prepare(tmp_path / "out", {**dataset, "group": "subfolder", "size": [8, 8]})
    prepare(tmp_path / "out", {**dataset, "size": [8, 8]})


def test_copies_of_training_examples_are_told(tmp_path, rng):
    x, y = rng.normal(size=(20, 6)), np.arange(20) % 2
    np.savez(tmp_path / "train.npz", x=x, y=y)
    np.savez(tmp_path / "test.npz", x=np.concatenate([x[:3], x[3:10] + 1]), y=y[:10])
    paths = {"file": str(tmp_path / "train.npz"), "test": str(tmp_path / "test.npz")}
    prepare(tmp_path / "out", {"source": "table", **paths}, paths=paths, split={"test": 0.2, "validation": 0.1})
    data_info = files.read_json(tmp_path / "out" / "data.json")
    (note,) = [note for note in data_info["notes"] if "copies" in note]
    assert str(data_info["duplicates"]["test_in_train"]) in note
