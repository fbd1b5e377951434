"""Check and create the SQLite file in which MLflow stores runs."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pellucid import files
from pellucid.errors import InputError
from pellucid.tracking import faults

_HEADER = b"SQLite format 3\0"
_TABLES = {"alembic_version", "experiments", "runs"}  # of every MLflow database, whatever its version
_OTHER_FILE = "Name another file in tracking.uri, or move this one away."
_WAIT = 20  # seconds for another process to finish writing
# Bytes. A larger file is not read as a whole in each job: damage in it shows when MLflow reads that place.
_LARGEST_CHECKED = 2**26


def database_of(uri: str) -> Path | None:
    """Return the file of a SQLite store; None for every other store.

    Raises:
        InputError: a SQLite store in memory, which would be lost with the job.
    """
    kind, separator, path = uri.partition("://")
    if not separator or kind.partition("+")[0] != "sqlite":
        return None
    path = path.removeprefix("/").partition("?")[0]
    if path in ("", ":memory:"):
        raise InputError.unexpected("tracking.uri", f"{uri}, a database in memory", "a file: sqlite:///folder/name.db")
    return Path(path)


def make(path: Path, uri: str) -> None:
    """Create the database where there is none, and bring its tables up to date, while no other process does so.

    A new database breaks when several processes open it, since each creates the same tables, or when the process that
    creates it is killed. It is therefore created under another name and then moved.

    Raises:
        InputError: as in `check`, or the disk refuses the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone_in(path.parent):
            if path.exists():
                check(path)
                faults.upgrade(uri, str(path))
            else:
                _make_new(path)
    except OSError as error:
        raise faults.of_store(error, uri) from None


def _make_new(path: Path) -> None:
    partial = files.temporary(path)
    try:
        faults.upgrade(f"sqlite:///{partial}", str(path))
        # Never replace a file that another process, perhaps on another machine, has made meanwhile.
        try:
            os.link(partial, path)
        except FileExistsError:
            pass
        except OSError:  # a disk without links
            os.replace(partial, path)
    finally:
        for left in (partial, Path(f"{partial}-journal")):
            left.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Exclude other processes that use this function; without effect on a disk without locks."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def check(path: Path) -> None:
    """Refuse what is no database of MLflow, or one that is damaged, locked, or cannot be written.

    Raises:
        InputError: the file is one of these.
    """
    try:
        with path.open("rb") as file:
            header = file.read(len(_HEADER))
        if header not in (b"", _HEADER):
            raise _refusal(path, "a file that is no SQLite database", "a database of MLflow", _OTHER_FILE)
        # Beside the file SQLite writes a journal.
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            raise _refusal(path, "a file or a folder that may not be written", "both, to be written", "")
        with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as database:
            _check_content(path, database)
            # Take the lock for writing, and give it back.
            database.execute("begin immediate")
            database.execute("rollback")
    except sqlite3.Error as error:
        if "locked" in str(error):
            hint = "End it, or wait for it, and run again."
            raise _refusal(path, "a database that another process keeps locked", "one that is free", hint) from None
        raise _refusal(path, f"a database that cannot be used ({error})", "one that can be written", "") from None
    except OSError as error:
        raise _refusal(path, f"a file that cannot be read ({error.strerror})", "a database of MLflow", "") from None


def _check_content(path: Path, database: sqlite3.Connection) -> None:
    names = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
    if names and not names >= _TABLES:
        found = f"tables that are not MLflow's ({', '.join(sorted(names)[:3])})"
        raise _refusal(path, found, "a database of MLflow", _OTHER_FILE)
    for (revision,) in database.execute("select version_num from alembic_version") if names else ():
        if not _is_known(str(revision)):
            import mlflow

            found = f"the format {revision}, which MLflow {mlflow.__version__} does not know"
            hint = "It was written by a newer MLflow: install that one, or name another file in tracking.uri."
            raise _refusal(path, found, "one that it knows", hint)
    if path.stat().st_size <= _LARGEST_CHECKED:
        (fault,) = database.execute("pragma quick_check(1)").fetchone()
        if fault != "ok":
            hint = "Restore it from a copy, or move it away: the record is made again."
            raise _refusal(path, f"a damaged database ({fault})", "a whole one", hint)


def _is_known(revision: str) -> bool:
    """Return whether the installed MLflow knows this revision of the tables."""
    import mlflow

    folder = Path(mlflow.__file__).parent / "store" / "db_migrations" / "versions"
    return not folder.is_dir() or bool(re.fullmatch(r"\w+", revision) and list(folder.glob(f"{revision}*.py")))


def _refusal(path: Path, found: str, expected: str, hint: str) -> InputError:
    return InputError.unexpected(f"tracking.uri: {path}", found, expected, hint)
