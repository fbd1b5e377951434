"""`null` in a file of one's own takes back what config.yaml says."""

import copy

import pytest
from snakemake.utils import update_config

from pellucid.config import resolution
from tests.support.good_settings import GOOD


def merged(**entry):
    """Return the resolved experiment mitbih of config.yaml under a file of one's own, as Snakemake merges them."""
    content = copy.deepcopy(GOOD)
    update_config(content, {"run": ["digits"], "experiments": {"digits": entry}})
    return resolution.resolve(content).experiments["digits"]


def test_a_key_that_is_null_has_its_default():
    assert GOOD["experiments"]["digits"]["training"]["epochs"] == 15
    assert merged(training={"epochs": None})["training"]["epochs"] == 20
    assert merged(training=None)["training"] == merged(training={"epochs": None, "batch_size": None})["training"]
    assert merged(title=None)["title"] == ""


def test_a_checksum_that_is_null_is_not_compared():
    content = copy.deepcopy(GOOD)
    own = {"experiments": {"mitbih": {"dataset": {"train_sha256": None, "samples": None}}}}
    update_config(content, own)
    content["run"] = ["digits"]
    # Were it only taken away in one place, the schema would refuse null.
    resolution.resolve(content)
    assert resolution.unset(content)["experiments"]["mitbih"]["dataset"].keys() == {
        "source", "train", "test", "test_sha256",
    }  # fmt: skip


def test_an_empty_line_behind_a_method_still_means_the_method():
    found = merged(methods={"only": ["saliency", "occlusion"], "saliency": None})
    assert set(found["methods"]) == {"saliency", "occlusion"}
    found = merged(methods={"occlusion": {"window": None}})
    assert found["methods"]["occlusion"]["window"] != GOOD["experiments"]["digits"]["methods"]["occlusion"]["window"]


def test_a_required_key_is_missed():
    with pytest.raises(resolution.ConfigError, match="dataset: found nothing; expected the key source"):
        merged(dataset={"source": None})
