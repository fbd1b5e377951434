"""Where the workflow's files are: around the package in a clone, inside the package where a wheel was installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# setup.py puts a copy of the workflow's files there while it builds a wheel.
_COPY = _PACKAGE / "project"

# The folder of the Snakefile.
PROJECT = _COPY if _COPY.is_dir() else _PACKAGE.parents[1]
SNAKEFILE = PROJECT / "Snakefile"
PROFILE = PROJECT / "profiles" / "default" / "profile.yaml"
SCHEMA = PROJECT / "workflow" / "schemas" / "config.schema.json"
SCRIPTS = PROJECT / "workflow" / "scripts"
