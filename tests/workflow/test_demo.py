"""The demonstration: one experiment and five methods, as `make demo` runs it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support import tiny

pytestmark = pytest.mark.slow
METHODS = {"grad_cam", "occlusion", "saliency", "integrated_gradients", "smoothgrad"}


def test_the_demonstration_names_the_figures_of_five_methods_and_can_be_run_again(tmp_path):
    command = [sys.executable, "-m", "pellucid.cli.main", "demo", "--cores", "2"]
    for jobs in (16, 0):
        done = subprocess.run(
            command, cwd=tmp_path, env=tiny.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        named = [tmp_path / path for path in re.findall(r"^  (\S+\.png)$", done.stdout, re.MULTILINE)]
        assert {path.parent.name for path in named} == METHODS
        assert all(path.is_file() for path in named)
        # One line for each job, and few others.
        assert len(re.findall(r"^\[ *\d+/\d+\] (?!All|The first)", done.stderr, re.MULTILINE)) <= jobs
        assert len(done.stderr.splitlines()) < 60
        assert "Reason:" not in done.stderr
