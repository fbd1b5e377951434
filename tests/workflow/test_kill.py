"""`kill -9` of a training that Snakemake started, and of all kinds of runs; then the same command again."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.kills import loop
from tests.support import tiny
from tests.support.job_processes import jobs

EPOCHS = 8
CONFIG = {
    "run": ["digits"],
    "defaults": {"training": {"epochs": EPOCHS, "batch_size": 32}},
    "experiments": {"digits": {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}},
}
MODEL = "results/digits/model"
TARGET = f"{MODEL}/model.keras"


def training(process, folder):
    """The process of the training that `process` started, once it has ended an epoch and goes on."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if list(folder.glob("results/digits/checkpoints/*/progress.json")):
            for script, child in jobs(process.pid):
                if script == "train.py":
                    return child
        time.sleep(0.01)
    raise AssertionError("no training was seen to end an epoch")


def test_it_goes_on_and_ends_with_equal_weights(tmp_path):
    tiny.write_config(tmp_path, CONFIG)
    tiny.build(tmp_path, TARGET)
    whole = (tmp_path / MODEL / "training.json").read_text()
    shutil.rmtree(tmp_path / MODEL)

    command = tiny.command(tmp_path, "--cores", "1", TARGET)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        os.kill(training(process, tmp_path).pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode != 0
    assert not (tmp_path / TARGET).exists()

    said = tiny.build(tmp_path, TARGET)
    assert "going on from epoch" in said
    assert (tmp_path / MODEL / "training.json").read_text() == whole


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_after_kills_at_random_moments_every_file_is_as_without_them(tmp_path):
    seconds = loop.undisturbed(tmp_path / "whole")
    # This seed draws each of the three kinds early, midway and late; `python -m tests.kills 30` tries more.
    found = list(loop.rounds(tmp_path / "whole", seconds, kills=9, seed=245))
    assert sum(sum(one.kills.values()) for one in found) == 9
    assert [one.differences for one in found] == [[]] * len(found)
