"""Parameters without an effect beside the others are told: the map would be another than was meant."""

import pytest

from pellucid.api.settings import completed
from pellucid.config.resolution import resolve
from pellucid.errors import InputError


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ({"window": 30}, ["e: methods.lime.window has no effect: only partition: windows reads it."]),
        ({"sweep": {"bands": [4, 8]}}, ["e: methods.lime.bands has no effect: only domain: bands reads it."]),
        ({"partition": "windows", "window": 30}, []),
        ({"sweep": {"partition": ["grid", "windows"]}, "window": 30}, []),
        ({"window": 15}, []),
        (
            {"sweep": {"partition": ["grid", "windows"], "window": [15, 30]}},
            ["e: methods.lime.sweep computes 1 map twice: only partition: windows reads window."],
        ),
        ({"sweep": {"partition": ["grid", "windows"], "baseline": ["zero", "mean"]}}, []),
    ],
)
def test_a_parameter_that_no_variant_reads_is_told(written, lines):
    experiment = {
        "dataset": {"source": "synthetic_series"},
        "model": {"architecture": "gap_cnn"},
        "methods": {"only": ["lime", "occlusion"], "lime": written, "occlusion": {"window": 9}},
        "scores": "none",
        "views": "none",
    }
    assert list(resolve({"run": ["e"], "experiments": {"e": experiment}}).notes) == lines


def test_one_call_is_refused():
    with pytest.raises(InputError, match=r"lime.window: it has no effect beside partition: grid"):
        completed("explain", "lime", {"window": 30}, (300,))
    assert completed("explain", "lime", {"window": 30, "partition": "windows"}, (300,))["window"] == 30
