"""What every script of the workflow does around its one call: a log, and errors that read as messages."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pellucid.credentials import masked
from pellucid.errors import InputError
from pellucid.words import from_params, in_figure

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


@contextmanager
def job(snakemake: Any) -> Iterator[SimpleNamespace]:
    """Log to the rule's log file and to the terminal; end with the message alone when the input is at fault.

    Args:
        snakemake: the object that Snakemake gives to a script.

    Yields:
        The rule's parameters, as they were before `words.in_params`.
    """
    logger = logging.getLogger("pellucid")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    name = " ".join([*snakemake.wildcards, snakemake.rule.removeprefix("draw_explanation")]).strip()
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(_Plain(f"[{name}] %(message)s"))
    file = logging.FileHandler(_made(snakemake.log[0]), mode="w", encoding="utf-8")
    file.setFormatter(_Plain("%(asctime)s %(levelname)s %(message)s"))
    for handler in (terminal, file):
        logger.addHandler(handler)
    params = SimpleNamespace(**{name: from_params(value) for name, value in snakemake.params.items()})
    try:
        yield params
    except InputError as error:
        logger.error("%s", error)
        sys.exit(1)
    except Exception:
        logger.exception("the rule %s failed", snakemake.rule)
        sys.exit(1)


def _made(path: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return path
