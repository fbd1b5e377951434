"""A whole run whose jobs are forked, against the same run with a process for each; and nothing is left running."""

import os
import signal
import subprocess
import time

import psutil
import pytest

from pellucid.jobs.warm_start import SWITCH
from tests.kills import loop
from tests.support import tiny
from tests.support.job_processes import jobs

pytestmark = pytest.mark.slow


def run(folder, switch):
    folder.mkdir()
    # One experiment has a job of every rule that two have: each of them imports TensorFlow where none is forked.
    tiny.write_config(folder, tiny.CONFIG | {"run": ["digits"]})
    environment = {**tiny.environment(), SWITCH: switch}
    done = subprocess.run(
        tiny.command(folder, "--cores", "2"), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_results_are_equal(tmp_path):
    for switch in ("0", "1"):
        run(tmp_path / switch, switch)
    assert loop.differences(tmp_path / "0", tmp_path / "1") == []


@pytest.mark.parametrize(("number", "group"), [(signal.SIGINT, True), (signal.SIGKILL, False)])
def test_nothing_is_left_running(tmp_path, number, group):
    tiny.write_config(tmp_path, tiny.CONFIG | {"defaults": {"training": {"epochs": 500}}})
    with subprocess.Popen(
        tiny.command(tmp_path, "--cores", "2"),
        env=tiny.environment(),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 120
        while not [script for script, _ in jobs(process.pid) if script == "train.py"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        started = psutil.Process(process.pid).children(recursive=True)
        (os.killpg if group else os.kill)(process.pid, number)
    _, left = psutil.wait_procs(started, timeout=20)
    assert not left
