"""Turn errors of stores and disks into one line, without SQL and without a traceback."""

from __future__ import annotations

import re
import subprocess
import sys

from pellucid.errors import InputError
from pellucid.messages import first_line
from pellucid.tracking import drivers

AFTERWARDS = "The results are complete. Repair the store and run again: only the record is made."
# SQLAlchemy puts the type of the driver's error before its text.
_DRIVER = re.compile(r"^\((?:\w+\.)+\w+\) ", re.MULTILINE)
_OUT_OF_DATE = "out-of-date database schema"
_LOG_IN = (
    "Give user and password in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (or MLFLOW_TRACKING_TOKEN) or in "
    "~/.netrc."
)
_PASSWORD = "Give the password in PGPASSWORD, or in ~/.pgpass."
_NO_PASSWORD = re.compile(r"password authentication failed|no password supplied")
_UPGRADE = "Bring it up to date: snakemake --cores 1 --forcerun tracking_store"
_REFUSED = re.compile(r"error code 40[13]\b|UNAUTHENTICATED|PERMISSION_DENIED")
_LAST_LINE = re.compile(r"^[\w.]+: (.+)$", re.MULTILINE)


def in_one_line(error: BaseException) -> str:
    """Return the text of an error: the driver's own if there is one, without the SQL and the link behind it."""
    text = str(error)
    return text[driver.end() :].splitlines()[0] if (driver := _DRIVER.search(text)) else first_line(error)


def of_store(error: Exception, uri: str) -> InputError:
    """Return the message for an error of MLflow, SQLAlchemy or the disk."""
    if isinstance(error, OSError):
        name = error.filename2 or error.filename or "a file of the record"
        return InputError.unexpected(
            f"tracking.uri {uri}",
            f"{name}, which cannot be written ({error.strerror or in_one_line(error)})",
            "a place with free space, and the permission to write there",
            AFTERWARDS,
        )
    text = in_one_line(error)
    expected = "an MLflow server" if uri.startswith("http") else "an MLflow database that can be written"
    if _REFUSED.search(text):
        hint = _LOG_IN
    elif _NO_PASSWORD.search(text):
        hint = _PASSWORD
    elif _OUT_OF_DATE in text:
        hint = _UPGRADE
    else:
        hint = drivers.installation(text) or AFTERWARDS
    return InputError.unexpected("tracking.uri", f"{uri}, which failed ({text})", expected, hint)


def upgrade(uri: str, name: str) -> None:
    """Create or update MLflow's tables in a database, in a process of its own, as MLflow changes all logging.

    Args:
        uri: of the database.
        name: of the database in a message.

    Raises:
        InputError: the database cannot be opened, or does not belong to MLflow.
    """
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # The last line that names an error; the SQL and a link follow it.
        lines = _LAST_LINE.findall(done.stderr) or ["no answer"]
        raise InputError.unexpected(
            "tracking.uri", f"{name} ({_DRIVER.sub('', lines[-1])})", "a database that MLflow can use"
        )
