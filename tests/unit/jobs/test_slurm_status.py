"""What is said of a job on Slurm: from `scontrol` alone, in one sentence where it failed."""

import subprocess

import pytest

from pellucid.jobs import slurm_status

LINE = (
    "JobId=12 JobName=scores_digits_check UserId=a(1000) JobState={state} Reason=Some words here Dependency=(null) "
    "ExitCode=0:9 TimeLimit=00:31:00 NodeList=(null) NodeList=node7 MinMemoryNode=907M StdOut={printed}"
)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands named scontrol and sacct that print a text each and end with a code; without one they do not exist."""

    def install(**answers):
        for name, (text, code) in answers.items():
            stream = 2 if code else 1
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\ncat <<'END' >&{stream}\n{text}\nEND\nexit {code}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return install


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED"])
def test_a_job_that_has_not_ended_is_running(slurm, state):
    slurm(scontrol=(LINE.format(state=state, printed="x"), 0))
    assert slurm_status.status("12") == ("running", "")


def test_a_job_that_is_complete(slurm):
    slurm(scontrol=(LINE.format(state="COMPLETED", printed="x"), 0))
    assert slurm_status.status("12") == ("success", "")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("OUT_OF_MEMORY", "it took more memory than it had asked for (907M)"),
        ("TIMEOUT", "it took longer than it had asked for (00:31:00)"),
        ("NODE_FAIL", "its node failed (node7)"),
        ("CANCELLED", "it was cancelled"),
        ("FAILED", "its state is FAILED, its exit code 0:9."),
        ("BOOT_FAIL", "its state is BOOT_FAIL"),
    ],
)
def test_a_job_that_failed_says_why(slurm, tmp_path, state, said):
    slurm(scontrol=(LINE.format(state=state, printed=tmp_path / "12.log"), 0))
    word, sentence = slurm_status.status("12")
    assert word == "failed"
    assert sentence.startswith("Slurm's job 12 (scores_digits_check) failed: ")
    assert said in sentence
    assert sentence.endswith(f"What it printed: {tmp_path / '12.log'}")


def test_memory_is_named_where_slurm_only_wrote_it_into_the_output(slurm, tmp_path):
    printed = tmp_path / "12.log"
    printed.write_text(
        "slurmstepd-vm: error: StepId=8.batch exceeded memory limit (638152704 > 209715200), being killed"
    )
    slurm(scontrol=(LINE.format(state="FAILED", printed=printed), 0))
    assert "more memory than it had asked for" in slurm_status.status("12")[1]
    printed.write_text("a script that says: exceeded memory limit")
    assert "more memory" not in slurm_status.status("12")[1]


def test_the_database_is_asked_for_a_forgotten_job(slurm):
    forgotten = ("slurm_load_jobs error: Invalid job id specified", 1)
    slurm(scontrol=forgotten, sacct=("COMPLETED|0:0", 0))
    assert slurm_status.status("12") == ("success", "")
    slurm(sacct=("CANCELLED by 0|0:15", 0))
    assert slurm_status.status("12")[0] == "failed"
    slurm(sacct=("Slurm accounting storage is disabled", 1))
    word, sentence = slurm_status.status("12")
    assert word == "failed"
    assert "Slurm has forgotten job 12" in sentence


@pytest.mark.parametrize("answer", [{"scontrol": ("Unable to contact slurm controller (connect failure)", 1)}, {}])
def test_a_controller_that_does_not_answer_is_asked_again(slurm, monkeypatch, answer):
    slurm(**answer)
    if not answer:  # no such command
        monkeypatch.setenv("PATH", "/nowhere")
    word, sentence = slurm_status.status("12")
    assert word == "running"
    assert "Slurm did not answer" in sentence


def test_it_prints_one_word(slurm, monkeypatch):
    slurm(scontrol=(LINE.format(state="TIMEOUT", printed="x"), 0))
    command = [slurm_status.sys.executable, slurm_status.__file__, "12"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "failed\n")
    assert done.stderr.count("\n") == 1
