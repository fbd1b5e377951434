"""`kill -9` of a training that Snakemake started, then the same command again."""

import os
import signal
import subprocess
import sys
import time

import psutil

from pellucid import files
from tests.conftest import ROOT
from tests.workflow import tiny

EPOCHS = 8
CONFIG = {
    "run": ["digits"],
    "defaults": {"training": {"epochs": EPOCHS, "batch_size": 32}},
    "experiments": {"digits": {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}},
}
TARGET = "results/digits/model/model.keras"


def training(process, folder):
    """The process of the training that `process` started, once it has ended an epoch and goes on."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if list(folder.glob("results/digits/checkpoints/*/progress.json")):
            for child in psutil.Process(process.pid).children(recursive=True):
                if "train.py" in " ".join(child.cmdline()):
                    return child
        time.sleep(0.01)
    raise AssertionError("no training was seen to end an epoch")


def test_it_goes_on_and_ends_with_equal_weights(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
        tiny.write_config(folder, CONFIG)
    tiny.build(whole, TARGET)

    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(killed)]
    command += ["--configfile", str(killed / "config.yaml"), "--cores", "1", TARGET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        os.kill(training(process, killed).pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode != 0
    assert not (killed / TARGET).exists()

    said = tiny.build(killed, TARGET)
    assert "going on from epoch" in said
    one, other = (files.read_json(folder / "results/digits/model/training.json") for folder in (killed, whole))
    assert one == other
