"""The real `snakemake` on configurations of which it reads some before the workflow's own code can run."""

import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT
from tests.support import tiny

BOMB = "a0: &a0 {x: 1}\n" + "\n".join(
    f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(10))}}}" for n in range(1, 10)
)
FILES = {
    "a bomb of maps": (BOMB, "25,000 values"),
    "a bomb of lists": (BOMB.replace("{", "[").replace("}", "]"), "25,000 values"),
    "a map in itself": ("defaults: &a {seed: *a}", "*a"),
    "depth": ("run: " + "[" * 3000 + "]" * 3000, "40 levels"),
    "digits": ("threads: " + "9" * 400, "whole number"),
    "not UTF-8": (b"threads: 1 # \xe9", "UTF-8"),
    "a key twice": ("threads: 1\nthreads: 2", "line 1 and line 2"),
    "an object": ("threads: !!python/name:os.system", "tag"),
    "other folders": ("pathvars: [1]", "pathvars"),
}


def refused(folder, *arguments, snakefile=("--snakefile", str(ROOT / "Snakefile"))):
    """What a dry run says that ends at once."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", *snakefile, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if ": found " in line]
    assert len(line) <= 500
    return line


@pytest.mark.parametrize("joined", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_code_in_a_file_of_the_command_line_does_not_run(tmp_path, joined):
    snakefile = [f"-s{ROOT / 'Snakefile'}"] if joined else ["--snakefile", str(ROOT / "Snakefile")]
    ran = tmp_path / "ran"
    code = {"__use_yte__": True, "__definitions__": [f"open({str(ran)!r}, 'w')"], "threads": 1}
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(code, sort_keys=False))
    tiny.write_config(tmp_path)
    assert "__use_yte__" in refused(tmp_path, "--configfile", "theirs.yaml", snakefile=snakefile)
    assert not ran.exists()


def test_a_key_twice_in_the_workflows_own_file_is_refused_before_it_is_read(tmp_path):
    text = tiny.write_config(tmp_path).read_text()
    (tmp_path / "config.yaml").write_text(f"{text}threads: 1\nthreads: 2\n")
    assert "threads" in refused(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "told"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("place", ["config.yaml", "theirs.yaml"])
def test_hostile_files_are_refused_in_one_line(tmp_path, text, told, place):
    tiny.write_config(tmp_path)
    (tmp_path / place).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert told in refused(tmp_path, *(["--configfile", place] if place == "theirs.yaml" else []))


@pytest.mark.slow
def test_one_thing_said_twice_on_the_command_line_is_refused(tmp_path):
    tiny.write_config(tmp_path)
    assert "seed" in refused(tmp_path, "--config", "defaults={seed: 1, seed: 2}")


@pytest.mark.slow
def test_without_the_profile_what_survives_is_refused_as_well(tmp_path):
    tiny.write_config(tmp_path)
    (tmp_path / "theirs.yaml").write_text("threads: 1\nthreads: 2")
    assert "twice" in refused(tmp_path, "--configfile", "theirs.yaml", "--workflow-profile", "none")
