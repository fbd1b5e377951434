"""The schema that editors complete `config.yaml` by."""

import copy
import json

import pytest
from jsonschema import Draft202012Validator

from pellucid.config import editor_schema, json_schema
from tests.conftest import ROOT
from tests.support.good_settings import GOOD, put


def test_the_file_is_what_the_command_writes():
    assert editor_schema.SCHEMA.read_text(encoding="utf-8") == editor_schema.text(), "run: make schema"


def test_the_first_line_of_the_configuration_names_the_file():
    first = (ROOT / "config.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={editor_schema.SCHEMA.relative_to(ROOT)}"


@pytest.fixture(scope="module")
def validator():
    Draft202012Validator.check_schema(json_schema.of_config())
    content = json.loads(editor_schema.text())
    Draft202012Validator.check_schema(content)
    return Draft202012Validator(content)


def test_the_configuration_follows_it(validator):
    assert [error.message for error in validator.iter_errors(GOOD)] == []


LISTED = ["grad_cam", {"occlusion": {"window": 9}}]


@pytest.mark.parametrize("methods", ["none", LISTED, {"without": ["lime"], "occlusion": {"sweep": {"window": [3]}}}])
def test_every_form_of_a_selection_follows_it(validator, methods):
    content = copy.deepcopy(GOOD)
    put("experiments.digits.methods", methods)(content)
    assert validator.is_valid(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("experiments.digits.methods", ["gradcam"]),
        ("experiments.digits.methods", [{"occlusion": {"windw": 9}}]),
        ("experiments.digits.methods", {"occlusion": {"windw": 9}}),
        ("experiments.digits.model", {"architecture": "digit_cnn", "dropuot": 0.5}),
        ("experiments.digits.dataset", {"source": "digit"}),
        ("defaults.training", {"epochs": -1}),
    ],
)
def test_what_is_misspelt_or_out_of_range_does_not(validator, path, value):
    content = copy.deepcopy(GOOD)
    put(path, value)(content)
    assert not validator.is_valid(content)
