"""What an experiment asks of one of several inputs is checked before any job is planned."""

import pytest

from pellucid.config import inputs
from pellucid.config.training_checks import complete


@pytest.mark.parametrize(
    ("explained", "lime", "expected"),
    [
        ("patient", {"partition": "windows"}, ["windows"]),
        (
            "patient",
            {"partition": "grid", "sweep": {"partition": ["grid", "superpixels", "windows"]}},
            ["superpixels", "windows"],
        ),
        ("patient", {"partition": "grid"}, []),
        ("ecg", {"partition": "windows"}, []),
    ],
)
def test_numbers_are_cut_into_single_numbers_alone(explained, lime, expected):
    experiment = {
        "dataset": {"source": "table", "inputs": {"ecg": {"signal": "s[0-9]+"}, "patient": ["age", "sex"]}},
        "model": {"architecture": "function"},
        "training": complete({}),
        "examples": {"input": explained},
        "methods": {"lime": lime, "occlusion": {"window": 1}, "saliency": False},
    }
    faults = inputs.check(experiment, "experiments.a")
    assert faults == [
        f'experiments.a.methods.lime.partition: found "{name}", and the explained input "patient", which is numbers '
        "without neighbours; expected grid, whose segments are single numbers."
        for name in expected
    ]
