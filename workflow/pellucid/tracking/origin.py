"""Where results come from: the commit of the code and the lock file of the packages."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from pellucid import files


class Origin(NamedTuple):
    """Where results come from.

    Attributes:
        tags: what is short, and searched for.
        facts: the same, and what is long, for `origin.json`.
    """

    tags: dict[str, str]
    facts: dict[str, str]


def origin_of(root: Path) -> Origin:
    """Return the commit of the code and the digest of the lock file."""
    commit = _git(root, "rev-parse", "HEAD")
    # Ignore the commit of a repository that encloses the project.
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = commit if top and Path(top).resolve() == root.resolve() else None
    changed = _git(root, "status", "--porcelain")
    dirty = "unknown" if commit is None else str(bool(changed)).lower()
    lock = root / "envs" / "lock.txt"
    tags = {
        "mlflow.source.git.commit": commit or "unknown",
        "mlflow.source.name": "pellucid",
        "pellucid.git_dirty": dirty,
    }
    facts = {
        "commit": commit or "unknown",
        "files differ from the commit": dirty,
        "lock file digest": files.sha256(lock) if lock.is_file() else "unknown",
    }
    return Origin(tags, facts)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
