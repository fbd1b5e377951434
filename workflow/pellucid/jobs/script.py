"""What every script of the workflow does around its one call: digests, a log, and errors that read as messages."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pellucid import disk
from pellucid.credentials import masked
from pellucid.errors import InputError
from pellucid.jobs import file_digests
from pellucid.messages import first_line
from pellucid.user_text import from_params, in_figure

# Characters of a line in a log: the words of a user may be of any length.
_LONGEST_LINE = 2000


def share_package(folder: Path) -> None:
    """Let the processes of the jobs find the package in `folder`, where the workflow lies, installed or not."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), others] if others else [str(folder)])


class _Plain(logging.Formatter):
    """Lines without passwords of addresses, without characters that a terminal would take for commands, and cut."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(in_figure(line, _LONGEST_LINE) for line in masked(super().format(record)).split("\n"))


class _LogFile(logging.FileHandler):
    """A log that a full disk cuts short: the terminal has its lines, and no traceback for each of them."""

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
def job(snakemake: Any, *, whole: bool = False) -> Iterator[SimpleNamespace]:
    """Log to the rule's log file and to the terminal; end with the message alone when the input is at fault.

    Inputs that other jobs wrote are compared with their digests first; at the end the outputs get theirs.

    Args:
        snakemake: the object that Snakemake gives to a script.
        whole: whether the job reads its large inputs from end to end, so that comparing them costs little.

    Yields:
        The rule's parameters, as they were before `words.in_params`.
    """
    logger = logging.getLogger("pellucid")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    name = " ".join([*snakemake.wildcards, snakemake.rule.removeprefix("draw_explanation")]).strip()
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(_Plain(f"[{name}] %(message)s"))
    file = _log_file(Path(snakemake.log[0]))
    file.setFormatter(_Plain("%(asctime)s %(levelname)s %(message)s"))
    for handler in (terminal, file):
        logger.addHandler(handler)
    params = SimpleNamespace(**{name: from_params(value) for name, value in snakemake.params.items()})
    unchecked: list[str] = []
    try:
        with file_digests.alone(next(iter(snakemake.output), "")):
            file_digests.forget(snakemake.output)
            unchecked = file_digests.check(snakemake.input, whole=whole)
            yield params
            file_digests.record(snakemake.output)
    except InputError as error:
        logger.error("%s", error)
        sys.exit(1)
    except Exception as error:
        if told := disk.refusal(error, Path(str(next(iter(snakemake.output), snakemake.log[0])))):
            logger.error("%s", told)
        elif unchecked:
            # Any kind of error may come from a damaged file: the cause, and not where it was met.
            logger.error("%s: %s; %s", type(error).__name__, first_line(error)[:200], file_digests.told(unchecked))
        else:
            logger.exception("the rule %s failed", snakemake.rule)
        sys.exit(1)
