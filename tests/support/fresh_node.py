"""Nodes that share no file system with each other, for tests: every job starts in an empty folder of its own.

Snakemake's executor cluster-generic calls this file: `submit JOBSCRIPT`, `status ID`, and an `ID` alone to cancel one.
It needs nothing but Python. `NODES` names the folder in which the jobs get theirs.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

# What a container has: nothing of the environment in which Snakemake was started, but what finds Python.
_KEPT = ("PATH", "LANG", "TF_CPP_MIN_LOG_LEVEL", "PELLUCID_WARM_START", "SNAKEMAKE_OUTPUT_CACHE")


def submit(nodes: Path, script: Path) -> str:
    """Start a job in a new folder; return the folder's name, which is the job's id."""
    node = nodes / f"{script.name.removeprefix('snakejob.').split('.')[0]}-{uuid.uuid4().hex[:8]}"
    work, home = node / "work", node / "home"
    for folder in (work, home):
        folder.mkdir(parents=True)
    shutil.copy(script, node / "job.sh")
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {"HOME": str(home)}
    with (node / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, __file__, "run", str(node)],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (node / "group").write_text(str(process.pid))
    return node.name


def run(node: Path) -> None:
    """Run a job to its end; keep its exit code and its seconds, and empty its folder."""
    begin = time.time()
    code = subprocess.run(["sh", str(node / "job.sh")], check=False).returncode
    (node / "times").write_text(json.dumps({"begin": begin, "end": time.time()}))
    (node / "left").write_text("\n".join(sorted(str(path) for path in Path().rglob("*") if path.is_file())))
    (node / "code.partial").write_text(str(code))
    (node / "code.partial").rename(node / "code")
    # The node is gone when its job has ended.
    shutil.rmtree(node / "work")


def status(node: Path) -> str:
    """Return Snakemake's word for how a job does; a node that died leaves no exit code."""
    if (node / "code").exists():
        return "success" if (node / "code").read_text() == "0" else "failed"
    try:
        os.kill(int((node / "group").read_text()), 0)
    except ProcessLookupError:
        return "success" if (node / "code").exists() and (node / "code").read_text() == "0" else "failed"
    return "running"


def kill(node: Path) -> None:
    """End all processes of a node at once, and empty its folder: what a preempted machine leaves behind."""
    try:
        os.killpg(int((node / "group").read_text()), signal.SIGKILL)
    except ProcessLookupError:
        return
    while True:
        try:
            shutil.rmtree(node / "work")
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "submit":
        print(submit(Path(os.environ["NODES"]), Path(arguments[0])))
    elif command == "run":
        run(Path(arguments[0]))
    elif command == "status":
        print(status(Path(os.environ["NODES"], arguments[0])))
    else:
        for name in (command, *arguments):
            kill(Path(os.environ["NODES"], name))
