"""Which lines of a job's log the terminal shows as well."""

from __future__ import annotations

import logging
import os
import time

# Set for the jobs' processes by a run with --verbose: their terminals show every line of their logs.
VERBOSE = "PELLUCID_VERBOSE"
# Messages of the log that say what happens: one line each. Others are shown where a job takes long.
_STATED = ("pellucid.prepare.run", "pellucid.train.run", "pellucid.evaluate.run", "pellucid.compare.checks")
_SECONDS = 30.0


class JobLines(logging.Filter):
    """Lets through the lines of a job's log that the terminal shows: warnings, results, and where a long job stands."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = time.monotonic()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the terminal shows a line."""
        if record.levelno < logging.WARNING and record.name not in _STATED and VERBOSE not in os.environ:
            if time.monotonic() - self._shown < _SECONDS:
                return False
            self._shown = time.monotonic()
        return True
