"""ImageNet's class index, and photographs that bear its labels."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.datasets import images, sample_photographs
from pellucid.datasets.readers import imagenet_classes
from pellucid.errors import InputError
from tests.support.imagenet_index import content, write


@pytest.fixture
def index(tmp_path):
    return write(tmp_path / "imagenet_class_index.json")


def test_address_and_md5_are_those_that_keras_states(keras):
    from keras.src.applications import imagenet_utils

    assert imagenet_classes.ADDRESS == imagenet_utils.CLASS_INDEX_PATH
    assert f'file_hash="{imagenet_classes.MD5}"' in Path(imagenet_utils.__file__).read_text()


def test_classes_are_numbered_as_keras_decodes_them(keras, index, monkeypatch):
    from keras.src.applications import imagenet_utils

    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", json.loads(index.read_text()))
    names = imagenet_classes.read(index)
    ((identifier, name, _),) = imagenet_utils.decode_predictions(np.eye(1000, dtype=np.float32)[[698]], top=1)[0]
    assert list(names)[698] == identifier == "n03877845"
    assert names[identifier] == name == "palace"


def test_every_class_has_a_name_of_its_own(index):
    names = imagenet_classes.read(index)
    assert len(set(names.values())) == 1000
    assert names["n02012849"] == "crane (n02012849)"
    assert names["n00000005"] == "made here 5"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda entries: entries.pop("7"), "999 entries, none of them 7"),
        (lambda entries: entries.update({"1000": ["n99999999", "more"]}), "found 1,001 entries"),
        (lambda entries: entries.update({"3": "tench"}), '3: found "tench"; expected an identifier and a name'),
        (lambda entries: entries.update({"3": ["n00000004", "twice"]}), "999 different identifiers"),
    ],
    ids=["one less", "one more", "no pair", "one twice"],
)
def test_a_file_that_is_no_class_index_is_refused(tmp_path, change, message):
    entries = content()
    change(entries)
    (tmp_path / "index.json").write_text(json.dumps(entries))
    with pytest.raises(InputError, match=message):
        imagenet_classes.read(tmp_path / "index.json")


@pytest.mark.parametrize(("text", "message"), [("<html>", "cannot be read"), ("[1, 2]", "found a list")])
def test_another_kind_of_file_is_refused(tmp_path, text, message):
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(InputError, match=f"index.json: .*{message}.*expected ImageNet's class index"):
        imagenet_classes.read(tmp_path / "index.json")


def test_the_photographs_are_a_palace_and_the_flower_that_imagenet_has(index):
    few = {"size": 32, "train_per_class": 2, "test_per_class": 2}
    files = {"class_index": index}
    named = sample_photographs.load(files, np.random.default_rng(0), **few, labels="imagenet")
    plain = sample_photographs.load({}, np.random.default_rng(0), **few)
    assert len(named.classes) == 1000
    assert [named.classes[label] for label in named.test.y] == ["palace", "palace", "daisy", "daisy"]
    np.testing.assert_array_equal(named.test.x, plain.test.x)


def folders(path, *names):
    for name in names:
        (path / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(path / name / "one.png")
    return str(path)


def test_folders_bear_names_or_identifiers(tmp_path, index):
    folder = folders(tmp_path / "photographs", "Palace", "n11939491", "made_here_5")
    raw = images.load({"class_index": index}, np.random.default_rng(0), folder=folder, size=(4, 4), labels="imagenet")
    assert sorted(raw.train.y.tolist()) == [5, 698, 985]
    assert raw.classes[985] == "daisy"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("palce", 'Did you mean "palace"'), ("crane", "this name: crane (n02012849), crane (n03126707).")],
)
def test_a_folder_that_is_no_class_of_imagenet_is_refused(tmp_path, index, name, hint):
    folder = folders(tmp_path / "photographs", "daisy", name)
    with pytest.raises(InputError) as told:
        images.load({"class_index": index}, np.random.default_rng(0), folder=folder, size=(4, 4), labels="imagenet")
    assert f'"{name}"; expected a class of ImageNet' in str(told.value)
    assert hint in str(told.value)


def test_the_published_file_is_named_where_no_other_is():
    assert imagenet_classes.fill(labels="own", class_index="none") == {}
    assert imagenet_classes.fill(labels="imagenet", class_index="own.json") == {}
    assert imagenet_classes.fill(labels="imagenet", class_index="none") == {
        "class_index": imagenet_classes.ADDRESS,
        "class_index_md5": imagenet_classes.MD5,
    }
