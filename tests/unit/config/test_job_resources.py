"""What jobs ask a cluster for: never less than was measured, and not ten times as much."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from pellucid.config import job_resources
from tests.conftest import ROOT

CONFIG = SimpleNamespace(memory_mb=1024)

# The most that a job of each kind took: peak memory in MB and seconds, in the benchmarks of the experiments that ship.
MEASURED = {
    "prepare": (268, 5),
    "network": (855, 63),  # score sensitivity of basic_motions
    "training": (685, 103),  # random labels of digits
    "table": (192, 4),
    "figure": (233, 8),  # leaderboard
    "record": (804, 15),
}
# Of the Snakemake that starts a job on a node of a cluster: the cluster counts it, too.
SNAKEMAKE = 236


def write(path, megabytes):
    path.write_bytes(bytes(int(megabytes * 2**20)))
    return str(path)


@pytest.fixture
def x_train(tmp_path):
    path = tmp_path / "x_train.npy"
    np.save(path, np.zeros((100, 2**18 // 10, 1), np.float32))  # 10 MB, 0.1 MB each
    return str(path)


@pytest.mark.parametrize("kind", MEASURED)
def test_an_estimate_covers_what_was_measured(kind, tmp_path):
    megabytes, seconds = MEASURED[kind]
    estimate = job_resources.memory_mb(CONFIG, kind, [])
    assert (megabytes + SNAKEMAKE) * 1.1 < estimate < (megabytes + SNAKEMAKE) * 6
    assert job_resources.minutes(CONFIG, kind, []) * 60 > 2 * seconds


def test_files_that_are_read_count_and_those_that_are_not_made_yet_do_not(tmp_path):
    path = write(tmp_path / "model.keras", 100)
    without = job_resources.memory_mb(CONFIG, "network", [str(tmp_path / "absent")])
    assert job_resources.memory_mb(CONFIG, "network", [path]) == without + 300
    assert job_resources.minutes(CONFIG, "network", [path]) > job_resources.minutes(CONFIG, "network", [])


def test_memory_follows_the_key_where_batches_are_made():
    small, large = SimpleNamespace(memory_mb=256), SimpleNamespace(memory_mb=4096)
    for kind, grows in (("network", 4096 - 256), ("prepare", 4096 - 256), ("figure", 0), ("table", 0)):
        assert job_resources.memory_mb(large, kind, []) - job_resources.memory_mb(small, kind, []) == grows


def test_a_second_try_gets_twice_as_much(x_train):
    for kind in job_resources.COSTS:
        for estimate in (job_resources.memory_mb, job_resources.minutes):
            assert estimate(CONFIG, kind, [], 2) == 2 * estimate(CONFIG, kind, [])
    assert job_resources.training_memory_mb(8, x_train, [], 2) == 2 * job_resources.training_memory_mb(8, x_train, [])


def test_memory_of_a_training(x_train, tmp_path):
    weights = write(tmp_path / "weights.h5", 50)
    least = job_resources.training_memory_mb(0, str(tmp_path / "absent.npy"), [])
    assert least > 631 + SNAKEMAKE + 200  # the least of all trainings that were measured, and room
    assert job_resources.training_memory_mb(32, str(tmp_path / "absent.npy"), []) == least
    assert job_resources.training_memory_mb(1, x_train, []) == pytest.approx(least + 10 + 20, abs=1)
    assert job_resources.training_memory_mb(32, x_train, []) == pytest.approx(least + 10 + 640, abs=1)
    assert job_resources.training_memory_mb(1, x_train, [weights]) == pytest.approx(least + 30 + 300, abs=1)
    # As much again for another input of the same size.
    both = job_resources.training_memory_mb(1, x_train, [], others=[write(tmp_path / "other_train.npz", 10)])
    assert both == pytest.approx(least + 20 + 40, abs=1)


def test_time_of_a_training(x_train):
    least = job_resources.COSTS["training"].minutes
    assert job_resources.training_minutes(0, x_train) == least
    assert job_resources.training_minutes(12, x_train) == least + 10
    assert job_resources.training_minutes(100_000, x_train) == 24 * 60


def test_every_rule_names_its_memory_and_its_time():
    found = 0
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^ *(?:use )?rule\b", path.read_text(), flags=re.MULTILINE)[1:]:
            if "script:" in rule or "seed=random_labels_seed" in rule:
                found += 1
                assert re.search(r"^ +mem_mb=\w+", rule, re.MULTILINE), f"{path.name}: {rule[:60]}"
                assert re.search(r"^ +runtime=\w+", rule, re.MULTILINE), f"{path.name}: {rule[:60]}"
    assert found > 30
