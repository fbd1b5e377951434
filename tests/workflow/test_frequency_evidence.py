"""Evidence in frequency through the real workflow: planted, explained, scored, and its need tested."""

import pytest

from pellucid import files, tables
from tests.support import tiny

pytestmark = pytest.mark.slow

CONFIG = {
    "run": ["sums"],
    "experiments": {
        "sums": {
            "dataset": {
                "source": "synthetic_frequencies",
                "per_class": 60,
                "length": 128,
                "frequencies": [5, 21],
                "components_min": 3,
                "components_max": 8,
            },
            # About as long as the example: frequencies that differ by a cycle.
            "model": {
                "architecture": "gap_cnn",
                "filters": [32, 16],
                "kernels": [64, 5],
                "pool": 4,
                "batch_norm_momentum": 0.9,
            },
            "training": {"epochs": 20, "batch_size": 16, "learning_rate": 0.003},
            "examples": {"per_class": 4},
            "methods": {
                "only": ["occlusion", "random_attribution"],
                "occlusion": {"window": 1, "sweep": {"domain": ["time", "frequency"]}},
            },
            "views": "none",
            "scores": {"only": ["localisation_frequency"]},
        }
    },
}


def test_it_is_found_in_frequency_and_the_model_needs_it(tmp_path):
    tiny.write_config(tmp_path, CONFIG)
    here = tmp_path / "results" / "sums"
    wanted = ["score/localisation_frequency/scores.png", "evaluation/evidence.png"]
    done = tiny.snakemake(tmp_path, "--cores", "1", *(f"results/sums/{path}" for path in wanted))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert "occlusion.domain=time is left out, since its map is over time" in said
    scores = tables.over_all(tables.read(here / "score" / "localisation_frequency" / "scores.csv"))
    assert set(scores["explanation"]) == {"occlusion.domain=frequency"}
    of_metric = scores.set_index("metric")["mean"]
    # Of 65 bins one or two carry evidence.
    assert of_metric["relevance_rank"] > 0.5 and of_metric["auroc"] > 0.9
    evidence = tables.over_all(tables.read(here / "evaluation" / "evidence.csv", words=("fill", "class")))
    accuracy = evidence[evidence["metric"] == "accuracy"].set_index(["part", "fill"])["mean"]
    for fill in ("silence", "floor"):
        assert accuracy["without", fill] < accuracy["control", fill]
    examples = files.read_arrays(here / "examples.npz")
    assert examples["truth_frequency"].shape == (len(examples["inputs"]), 65) and "truth" not in examples
