"""Say how a job on Slurm does, in the words that Snakemake's executor cluster-generic expects: `python -m … ID`.

It asks `scontrol`, which every Slurm has; `sacct` needs a database (slurmdbd), and is asked only for jobs that Slurm's
controller has forgotten. Of a job that failed, stderr says why in a sentence.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

RUNNING, SUCCESS, FAILED = "running", "success", "failed"
_UNFINISHED = frozenset({"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT"})
_UNFINISHED |= {"SIGNALING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESIZING", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_CAUSES = {
    "OUT_OF_MEMORY": "it took more memory than it had asked for ({MinMemoryNode}). Give it more: "
    "--set-resources RULE:mem_mb=…",
    "TIMEOUT": "it took longer than it had asked for ({TimeLimit}). Give it more: --set-resources RULE:runtime=…",
    "DEADLINE": "it could not end before its deadline.",
    "NODE_FAIL": "its node failed ({NodeList}). Run Snakemake again: a training goes on from its last epoch.",
    "PREEMPTED": "another job took its place. Run Snakemake again: a training goes on from its last epoch.",
    "CANCELLED": "it was cancelled, by somebody or by Slurm.",
}
_OTHER_CAUSE = "its state is {JobState}, its exit code {ExitCode}."


def status(job: str) -> tuple[str, str]:
    """Return the word for a job, and a sentence where there is something to say.

    Args:
        job: its id.
    """
    answer = _ask("scontrol", "show", "job", "--oneliner", job)
    if answer.returncode == 0:
        # Values such as a reason may hold blanks; those that are needed here do not.
        facts = dict(re.findall(r"(?:^| )(\w+)=(\S*)", answer.stdout))
        return judged(job, facts)
    if "Invalid job id" not in answer.stderr:
        return RUNNING, f"Slurm did not answer, and is asked again: {answer.stderr.strip()}"
    answer = _ask("sacct", "--jobs", job, "--allocations", "--noheader", "--parsable2", "--format", "State,ExitCode")
    if answer.returncode == 0 and answer.stdout.strip():
        state, _, code = answer.stdout.splitlines()[0].partition("|")
        return judged(job, {"JobState": state, "ExitCode": code})
    return FAILED, (
        f"Slurm has forgotten job {job}, and keeps no record of ended jobs (slurmdbd). Run Snakemake again: "
        "it repeats what is not complete."
    )


def judged(job: str, facts: dict[str, str]) -> tuple[str, str]:
    """Return the same for a job whose facts are known.

    Args:
        job: its id.
        facts: as `scontrol show job` names them.
    """
    state = facts["JobState"].split()[0]
    if state in _UNFINISHED:
        return RUNNING, ""
    if state == "COMPLETED":
        return SUCCESS, ""
    if state != "OUT_OF_MEMORY" and _was_out_of_memory(facts.get("StdOut", "")):
        state = "OUT_OF_MEMORY"
    known = dict.fromkeys(("MinMemoryNode", "TimeLimit", "NodeList", "JobState", "ExitCode"), "?") | facts
    cause = _CAUSES.get(state, _OTHER_CAUSE).format_map(known)
    place = f" What it printed: {facts['StdOut']}" if "StdOut" in facts else ""
    return FAILED, f"Slurm's job {job} ({facts.get('JobName', '?')}) failed: {cause}{place}"


def _was_out_of_memory(printed: str) -> bool:
    """Return whether Slurm wrote into the output of a job that it killed it for its memory: its state may be FAILED."""
    try:
        lines = Path(printed).read_text(errors="replace")
    except OSError:
        return False
    return re.search(r"slurmstepd.*(exceeded (job |step )?memory limit|oom.?kill)", lines, re.IGNORECASE) is not None


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


if __name__ == "__main__":
    word, sentence = status(sys.argv[1])
    if sentence:
        print(sentence, file=sys.stderr)
    print(word)
