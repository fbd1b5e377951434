"""What every script of the workflow does around its one call: log, check digests, and turn errors into messages."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

from pellucid import devices, disk_errors
from pellucid.credentials import masked
from pellucid.errors import InputError
from pellucid.jobs import file_digests
from pellucid.jobs.job_lines import JobLines
from pellucid.messages import first_line
from pellucid.user_text import from_params, in_figure

# Characters of a line in a log: a user's texts may have any length.
_LONGEST_LINE = 2000


class Fields(Protocol):
    """The inputs, outputs, parameters or wildcards of a job, by name or by position; iterating gives the values."""

    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, key: str | int | slice) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def get(self, name: str, default: Any = None) -> Any: ...
    def items(self) -> Iterable[tuple[str, Any]]: ...


class Snakemake(Protocol):
    """The object that Snakemake puts among the globals of a script; scripts declare it as `snakemake: Snakemake`."""

    input: Fields
    output: Fields
    params: Fields
    wildcards: Fields
    resources: Fields
    log: Sequence[str]
    config: Mapping[str, Any]
    rule: str
    scriptdir: str


def share_package(folder: Path) -> None:
    """Let the processes of the jobs import the package from `folder`, installed or not."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), others] if others else [str(folder)])


class _SafeLines(logging.Formatter):
    """Formats lines without passwords and control characters, and cuts long ones."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(in_figure(line, _LONGEST_LINE) for line in masked(super().format(record)).split("\n"))


class _LogFile(logging.FileHandler):
    """Writes a log. Where the disk is full the log ends; the terminal shows all lines, without a traceback for each."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (a name of logging)
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def _log_file(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(path, mode="w", encoding="utf-8")
    except OSError:
        return logging.NullHandler()


@contextmanager
def job(snakemake: Snakemake, *, whole: bool = False) -> Iterator[SimpleNamespace]:
    """Log to the rule's log file and to the terminal; end with a message, not a traceback, when the input is at fault.

    Before the job, its inputs are compared with their digests; after it, digests of the outputs are written.

    Args:
        snakemake: the object that Snakemake gives to a script.
        whole: whether the job reads its large inputs from end to end, so that comparing them costs little.

    Yields:
        The rule's parameters, as they were before `user_text.in_params`.
    """
    logger = logging.getLogger("pellucid")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    name = " ".join([*snakemake.wildcards, snakemake.rule.removeprefix("draw_explanation")]).strip()
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(_SafeLines(f"[{name}] %(message)s"))
    terminal.addFilter(JobLines())
    file = _log_file(Path(snakemake.log[0]))
    file.setFormatter(_SafeLines("%(asctime)s %(levelname)s %(message)s"))
    for handler in (terminal, file):
        logger.addHandler(handler)
    params = SimpleNamespace(**{name: from_params(value) for name, value in snakemake.params.items()})
    devices.choose(getattr(params, "gpu", None))
    without_digest: list[str] = []
    try:
        with file_digests.alone(next(iter(snakemake.output), "")):
            file_digests.forget(snakemake.output)
            without_digest = file_digests.check(snakemake.input, whole=whole)
            yield params
            file_digests.record(snakemake.output)
    except InputError as error:
        logger.error("%s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("ended by Ctrl-C: run the same command again to go on")
        sys.exit(130)  # as shells say of a process that SIGINT has ended
    except Exception as error:
        if message := disk_errors.refusal(error, Path(str(next(iter(snakemake.output), snakemake.log[0])))):
            logger.error("%s", message)
        elif without_digest:
            # A damaged file may cause any kind of error: tell the cause, not where it was met.
            logger.error(
                "%s: %s; %s",
                type(error).__name__,
                first_line(error)[:200],
                file_digests.missing_digests(without_digest),
            )
        else:
            logger.exception("the rule %s failed", snakemake.rule)
        sys.exit(1)
