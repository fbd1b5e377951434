"""What is good, and is spoilt by the tables of bad inputs beside this file."""

import copy

import pytest
import yaml

from pellucid import config
from pellucid.config import ConfigError
from pellucid.errors import InputError
from pellucid.preprocessing import preprocess
from tests.conftest import ROOT

GOOD = yaml.safe_load((ROOT / "config.yaml").read_text())
UNCHECKED = {"train_sha256": "none", "test_sha256": "none"}


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


def refuse_configuration(change, first, then):
    content = copy.deepcopy(GOOD)
    change(content)
    with pytest.raises(ConfigError) as told:
        config.resolve(content)
    (fault, *_) = [fault for fault in told.value.faults if first in fault]
    assert then in fault
    assert "\n" not in fault


def plain(keras, *layers, shape=(8, 8, 1)):
    return keras.Sequential([keras.layers.Input(shape), *layers])
