"""A process that has imported what the jobs need, and forks a child for each script: `python -m … FD`.

Half of the CPU time of a run with small data is imports. A child of this process shares them and is otherwise a
process of its own: no TensorFlow operation has run before the fork, and the environment, the folder and the signals
are those that a new process would get.

The process is started by `warm_start` and reads the requests of Snakemake from the socket FD. Each request brings a
socket of its own: one line of JSON comes in (`script`, `folder`, `environment`), the child's process id and at its end
its exit code go out, a line each. When FD is closed, Snakemake is gone: all children are killed.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

# Imported inside functions by most jobs. MLflow is not among them: few jobs need it.
_LIBRARIES = ("pandas", "matplotlib.figure", "matplotlib.backends.backend_agg", "scipy.stats", "yaml", "requests")
# Modules that only a process of another kind imports.
_OTHERS = ("pellucid.tracking", "pellucid.config.check", "pellucid.config.editor_schema", "pellucid.jobs.warm_parent")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(descriptor: int) -> None:
    """Import everything, then fork a child for each request until Snakemake is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the children, and Snakemake waits for them
    _import_all()
    # Objects that no collection touches stay in memory pages that parent and children share.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=descriptor) as control:
        control.sendall(b"r")
        _Parent(control).serve()


def _import_all() -> None:
    import pellucid

    # By name, as all modules below: this process knows none of them.
    importlib.import_module("pellucid.network.runtime").load()
    for name in _LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(pellucid.__path__, "pellucid."):
        if not module.name.startswith(_OTHERS):
            importlib.import_module(module.name)


@dataclass
class _Parent:
    """The requests and the children.

    Attributes:
        control: brings the socket of each request.
        answers: the socket of each running child, by process id.
    """

    control: socket.socket
    answers: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> None:
        """Answer requests until `control` is closed at the other end; then kill the children."""
        awake, wake = socket.socketpair()
        for end in (awake, wake):
            end.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(awake, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if awake in ready:
                    awake.recv(4096)
                    self._collect()
                if self.control in ready and not self._accept((selector, awake, wake)):
                    break
        for child in self.answers:
            os.kill(child, signal.SIGKILL)

    def _accept(self, inherited: tuple[Any, ...]) -> bool:
        """Fork the child of the next request; return False where there will be no more requests."""
        message, descriptors, _, _ = socket.recv_fds(self.control, 1, 1)
        if not message:
            return False
        answer = socket.socket(fileno=descriptors[0])
        with answer.makefile("rb") as lines:
            request = json.loads(lines.readline())
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if not child:
            for end in (self.control, answer, *self.answers.values(), *inherited):
                end.close()
            _run(request)
        self.answers[child] = answer
        _tell(answer, child)
        return True

    def _collect(self) -> None:
        """Tell the exit codes of the children that have ended."""
        for child in list(self.answers):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                with self.answers.pop(child) as answer:
                    _tell(answer, os.waitstatus_to_exitcode(status))


def _tell(answer: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it any more
        answer.sendall(f"{number}\n".encode())


def _run(request: dict[str, Any]) -> NoReturn:
    """Run a script in this process as Python runs a file, and end the process."""
    script = request["script"]
    _become_new(Path(script).name, request["environment"], request["folder"])
    code = 1
    try:
        sys.argv = [script]
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            # What this child registered, such as the removal of its temporary files; see `_become_new`.
            atexit._run_exitfuncs()
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _become_new(name: str, environment: dict[str, str], folder: str) -> None:
    """Give this process what a new one would have: signals, environment, folder, a name."""
    atexit._clear()  # what the parent registered is for the parent's own end
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None
    # What `ps` and `top` show; Linux keeps 15 bytes. Snakemake's script is called <letters>.<rule's script>.
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name.split(".", 1)[-1][:15])


if __name__ == "__main__":
    main(int(sys.argv[1]))
