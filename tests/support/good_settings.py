"""What is good, and is spoilt by the tables of bad inputs beside this file."""

import copy

import pytest
import yaml

from pellucid.config import resolution
from pellucid.config.resolution import ConfigError
from pellucid.errors import InputError
from tests.conftest import ROOT
from tests.support.prepared import prepare

GOOD = yaml.safe_load((ROOT / "config.yaml").read_text())


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


def all_of(*changes):
    """Several changes as one, made one after the other."""

    def change(content):
        for one in changes:
            one(content)

    return change


def refuse(folder, dataset, paths, first, then):
    with pytest.raises(InputError) as told:
        prepare(folder / "out", dataset, paths=paths)
    assert first in str(told.value)
    assert then in str(told.value)
    assert not (folder / "out").exists()


def refuse_configuration(change, first, then):
    content = copy.deepcopy(GOOD)
    change(content)
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    (fault, *_) = [fault for fault in told.value.faults if first in fault]
    assert then in fault
    assert "\n" not in fault


def plain(keras, *layers, shape=(8, 8, 1)):
    return keras.Sequential([keras.layers.Input(shape), *layers])
