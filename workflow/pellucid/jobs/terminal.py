"""What a run says in the terminal: a line for each job, with the progress of the whole run.

Snakemake's own words (reasons, counts of rules, what was selected) stay in its log under .snakemake/log, in dry runs,
and with --verbose. Errors stay as they are.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

from snakemake.logging import ColorizingTextHandler, DefaultFormatter

from pellucid.jobs.job_lines import VERBOSE

# The words of Snakemake before and between jobs, which say nothing of the run.
_PREAMBLE = re.compile(
    r"Using workflow specific profile|Assuming unrestricted shared|Building DAG of jobs|Using shell|Provided cores"
    r"|Rules claiming more threads|Conda environments: ignored|Select jobs to execute|Execute \d+ jobs"
    r"|Config file .* is extended|host: |Singularity containers: ignored|Provided resources"
    # A storage: two lines for each file.
    r"|Storing in storage|Finished upload|Retrieving from storage|Finished retrieval|Removing local copy of storage"
)


_FIGURE = re.compile(r"/explain/([^/]+)/.*\.png$")
# By name: to read what each method says of itself would load all of them.
_CONTROLS = ("random_attribution", "input_magnitude", "all_equal")
_MOST_PAGES = 5


def from_the_shell(path: str) -> str:
    """Return a path as the shell that started Snakemake finds it, though --directory has led elsewhere."""
    if Path(path).is_absolute() or not any(word.startswith(("--directory", "-d")) for word in sys.argv[1:]):
        return path
    shell = Path(os.environ.get("PWD") or ".").resolve()
    whole = Path(path).resolve()
    return str(whole.relative_to(shell) if whole.is_relative_to(shell) else whole)


class _RunLines(DefaultFormatter):  # type: ignore[misc]  # snakemake comes without types
    """Formats the events of a run as one line for each job."""

    def __init__(self, usual: DefaultFormatter) -> None:
        super().__init__(quiet=usual.quiet, show_failed_logs=usual.show_failed_logs)
        self._done = self._total = 0
        self._outputs: dict[int, list[str]] = {}
        self._figure_stands = False
        self._pages: list[str] = []

    def format_run_info(self, msg: dict[str, Any]) -> str:
        """Return the number of jobs instead of a table of the rules."""
        self._total = int(msg.get("stats", {}).get("total", 0))
        return f"{self._total} jobs" if self._total else str(msg["msg"])

    def format_job_info(self, msg: dict[str, Any]) -> str:
        """Return the message of the job behind the number of jobs that are done; nothing for one that makes nothing."""
        self._outputs[msg["jobid"]] = [str(path) for path in msg["output"]]
        name = str(msg["rule_name"])
        if not (msg["rule_msg"] or msg["output"]):
            return ""
        wildcards = " ".join(str(value) for value in dict(msg["wildcards"] or {}).values())
        return f"{self._place()} {msg['rule_msg'] or f'{name} {wildcards}'.strip()}"

    def format_job_finished(self, msg: dict[str, Any]) -> str:
        """Return where the first figure of an explanation is, once it is drawn; controls explain nothing."""
        outputs = self._outputs.pop(msg["job_id"], [])
        self._pages += [path for path in outputs if path.endswith("/page.html")]
        pictures = [path for path in outputs if (at := _FIGURE.search(path)) and at[1] not in _CONTROLS]
        if self._figure_stands or not pictures:
            return ""
        self._figure_stands = True
        return f"{self._place()} The first figure of an explanation is ready: {from_the_shell(pictures[0])}"

    def format_progress(self, msg: dict[str, Any]) -> str:
        """Return nothing but the last one, with the pages that were made: the lines of the jobs tell the progress."""
        self._done, self._total = msg["done"], msg["total"]
        if self._done != self._total:
            return ""
        pages = [from_the_shell(path) for path in sorted(self._pages)]
        more = f", and {len(pages) - _MOST_PAGES} more" if len(pages) > _MOST_PAGES else ""
        look = f" Open in a browser: {', '.join(pages[:_MOST_PAGES])}{more}" if pages else ""
        return f"{self._place()} All {self._total} jobs are done.{look}"

    def _place(self) -> str:
        total = str(self._total)
        return f"[{self._done:>{len(total)}}/{total}]"


def use_short_lines(logger: logging.Logger, *, verbose: bool) -> None:
    """Let Snakemake's terminal show a line for each job.

    Args:
        logger: Snakemake's logger.
        verbose: whether everything shall be shown, in the words of Snakemake.
    """
    if verbose:
        os.environ[VERBOSE] = "1"
        return
    for handler in logger.handlers:
        if isinstance(handler, ColorizingTextHandler) and type(handler.formatter) is DefaultFormatter:
            handler.setFormatter(_RunLines(handler.formatter))
            handler.addFilter(_without_preamble(handler))


def _without_preamble(handler: ColorizingTextHandler) -> Any:
    def keep(record: logging.LogRecord) -> bool:
        # Else the handler writes a blank line in front of each job.
        handler.last_msg_was_job_info = True
        event = getattr(record, "event", None)
        if getattr(event, "value", event) in ("workflow_started", "resources_info"):
            return False
        return not _PREAMBLE.match(str(record.msg))

    return keep
