"""Run the scripts of local jobs as children of one process that has imported everything (`warm_parent`).

Snakemake starts a new Python for each script. Its own place for that, `PythonScript.execute_script`, is replaced:
there the script is written, its environment is known and its benchmark begins, so that everything around the start
stays as it is. An executor plugin would have to repeat all that Snakemake's local executor does, and users would have
to name it; a client inside the script would be measured in place of the job.

On a cluster, the Snakemake that a node runs for a group of jobs calls this place as well, and has a process of its own
that lives as long as the group. The Snakemake that submits jobs has none: none of the few jobs that run there needs
TensorFlow.

What is not known to be right runs as ever: another system than Linux, another minor version of Snakemake, conda,
containers, environment modules, scripts of other workflows, another number of threads than the first job's, jobs that
ask for a card, records in MLflow (which does some of its work when its process ends), and everything with
PELLUCID_WARM_START=0.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pellucid import devices

KNOWN = "9.27."  # minor version of Snakemake whose execute_script is replaced
SWITCH = "PELLUCID_WARM_START"
# A parent costs as much CPU as a start of TensorFlow: fewer jobs are not worth it.
FEWEST_JOBS = 6
_SECONDS_TO_END = 3.0
# These wait for the parent: each would have to import TensorFlow, too. All others start without it until it is ready.
NEED_TENSORFLOW = frozenset(
    {"train.py", "evaluate.py", "predict.py", "evidence.py", "explain.py", "view.py", "score.py"}
)

THREADS = (
    "OMP_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def install(workflow: Any, scripts: Path) -> None:
    """Let the scripts below the folder `scripts` start warm in this run of Snakemake, where that is known to be right.

    Args:
        workflow: Snakemake's workflow.
        scripts: folder of the scripts.
    """
    import snakemake

    if os.environ.get(SWITCH, "1") == "0" or sys.platform != "linux" or not snakemake.__version__.startswith(KNOWN):
        return
    if workflow.subprocess_exec or (workflow.is_main_process and workflow.non_local_exec):
        return
    from snakemake.script import PythonScript

    cold = getattr(PythonScript.execute_script, "cold", PythonScript.execute_script)
    parent = _Parent(workflow)

    def execute_script(self: Any, fname: str, edit: bool = False) -> None:
        if edit or not _is_plain(self, scripts) or not parent.run(self, fname):
            cold(self, fname, edit)

    execute_script.cold = cold  # type: ignore[attr-defined]
    PythonScript.execute_script = execute_script
    atexit.register(parent.end)


def _is_plain(script: Any, scripts: Path) -> bool:
    """Return whether a script is one of the folder and runs in Snakemake's own Python."""
    if script.conda_env or script.container_img or script.env_modules or script.resources.get("shell_exec"):
        return False
    # CUDA cannot be used in a fork of a process that has touched it.
    if not script.is_local or script.params.get("gpu") is not None:
        return False
    path = Path(script.local_path).resolve()
    return path.is_relative_to(scripts.resolve()) and not path.name.startswith("track")


class _Parent:
    """The process that forks, seen from Snakemake; it is started by the first job of a run with enough jobs."""

    def __init__(self, workflow: Any) -> None:
        self.workflow = workflow
        self.lock = threading.Lock()
        self.ready = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.threads = 0
        self.usable: bool | None = None  # None: not decided yet

    def run(self, script: Any, path: str) -> bool:
        """Run a script in a forked child and wait for it; return False where it has to be run as ever.

        Raises:
            CalledProcessError: the script failed.
        """
        with self.lock:
            if self.usable is None:
                self.usable = sum(1 for _ in self.workflow.dag.needrun_jobs()) >= FEWEST_JOBS
                if self.usable:
                    self._start(script.threads)
        waits = Path(script.local_path).name in NEED_TENSORFLOW
        if not self.usable or self.threads != script.threads or not (waits or self.ready.is_set()):
            return False
        self.ready.wait()
        request = {"script": str(Path.cwd() / path), "folder": str(Path.cwd()), "environment": _environment(script)}
        try:
            answer = self._ask(request)
            child = int(answer.readline())
        except (OSError, ValueError):
            # The process is gone, and has not begun the script.
            self.usable = False
            return False
        with answer, _measured(child, script.bench_record):
            code = int(answer.readline() or 1)
        if code:
            raise subprocess.CalledProcessError(code, f"{sys.executable} {path}")
        return True

    def end(self) -> None:
        """End the process; children that are left end with it."""
        if self.process:
            self.control.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_SECONDS_TO_END if self.ready.is_set() else 0)
            self.process.kill()
            self.process.wait()

    def _start(self, threads: int) -> None:
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.warm_parent", str(theirs.fileno())],
                env={**os.environ, **dict.fromkeys(THREADS, str(threads)), devices.VISIBLE: devices.NONE},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.threads = threads
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        """Wait until the process has imported everything, or has failed."""
        self.usable = self.control.recv(1) != b""
        self.ready.set()

    def _ask(self, request: dict[str, Any]) -> BinaryIO:
        """Send a request, and return the stream of its answers."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with self.lock:
                socket.send_fds(self.control, [b"x"], [theirs.fileno()])
            ours.sendall(json.dumps(request).encode() + b"\n")
            return ours.makefile("rb")


@contextlib.contextmanager
def _measured(child: int, record: Any) -> Iterator[None]:
    """Measure a child for a benchmark, as Snakemake does. One that has ended before has no figures but its time, 0."""
    import psutil  # type: ignore[import-untyped]
    from snakemake.benchmark import benchmarked

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(benchmarked(child if record else False, record))
        except psutil.NoSuchProcess:
            record.process_gone, record.running_time = True, 0.0
        yield


def _environment(script: Any) -> dict[str, str]:
    """Return the environment that `snakemake.shell` gives to a script."""
    environment = {**os.environ, **dict.fromkeys(THREADS, str(script.threads))}
    if folder := script.resources.get("tmpdir"):
        environment |= dict.fromkeys(("TMPDIR", "TMP", "TEMPDIR", "TEMP"), str(folder))
    return environment
