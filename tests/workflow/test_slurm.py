"""The profile for Slurm on a real one: the same files as a local run, and plain words when a job or a node dies."""

from __future__ import annotations

import copy
import subprocess

import pytest

from tests.conftest import ROOT
from tests.kills import loop
from tests.support import slurm, tiny

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

CONFIG = copy.deepcopy(tiny.CONFIG) | {"run": ["digits"]}
CONFIG["experiments"]["digits"] |= {"views": {"only": ["filters"]}, "scores": {"only": ["form", "infidelity"]}}


@pytest.fixture(scope="module")
def cluster():
    with slurm.cluster() as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(started.folder / "slurm.conf"))
        yield started


def command(folder, *arguments):
    profile = ["--profile", str(ROOT / "profiles" / "slurm"), "--seconds-between-status-checks", "1"]
    return tiny.command(folder, *profile, *arguments)


def run(folder, *arguments):
    given = command(folder, *arguments)
    return subprocess.run(given, cwd=folder, env=tiny.environment(), capture_output=True, text=True, check=False)


def configured(folder, content=CONFIG):
    folder.mkdir()
    tiny.write_config(folder, content)
    return folder


def test_results_are_those_of_a_local_run(cluster, tmp_path):
    local, remote = configured(tmp_path / "local"), configured(tmp_path / "remote")
    tiny.build(local, "results")
    done = run(remote, "results")
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(list(remote.rglob("*.svg"))) > 10
    assert loop.different_files(local, remote) == []
    groups = ("data", "training", "explanations", "scores")
    assert sorted(name.split("_digits")[0] for name in cluster.jobs()) == sorted(groups)
    assert set(cluster.jobs().values()) == {"COMPLETED"}
    # Neither the place nor the resources of a job are a reason to run it again.
    assert not tiny.planned(remote, "results")


def test_a_job_over_its_memory_says_so(cluster, tmp_path):
    folder = configured(tmp_path / "run")
    model = "results/digits/model/model.keras"
    done = run(folder, "--set-resources", "train:mem_mb=150", "--retries", "0", model)
    assert done.returncode != 0
    assert "it took more memory than it had asked for (150M)" in done.stderr
    assert not (folder / model).exists()


def test_a_job_whose_node_dies_says_so_and_goes_on_later(cluster, tmp_path):
    content = copy.deepcopy(CONFIG)
    content["experiments"]["digits"] |= {"training": {"epochs": 60}}
    folder = configured(tmp_path / "run", content)
    log, target = tmp_path / "log", "results/digits/model/model.keras"
    with tiny.started(command(folder, "--retries", "0", target), folder, log) as process:
        epochs = folder / "results" / "digits" / "logs" / "train.log"
        slurm.wait_until(lambda: epochs.exists() and "epoch  3/60" in epochs.read_text(), 300, log.read_text)
        cluster.kill_node()
        assert process.wait(200) != 0
    assert "its node failed" in log.read_text()
    assert not (folder / target).exists()
    written = epochs.read_text()
    cluster.start_node()
    done = run(folder, target)
    assert done.returncode == 0, done.stderr[-3000:]
    added = epochs.read_text().removeprefix(written)
    assert "epoch 60/60" in added
    assert "epoch  1/60" not in added
