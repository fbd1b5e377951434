"""The packages for a database or for S3: which are needed, and what to install if one is missing."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec

from pellucid.errors import InputError

# The module that is missing, and the extra of this package that brings it.
_EXTRAS = {"psycopg": "postgresql", "psycopg2": "postgresql", "boto3": "s3", "botocore": "s3"}
_MODULE = re.compile(r"No module named '(\w+)")


def with_driver(uri: str) -> str:
    """Return the address of a database as SQLAlchemy takes it: PostgreSQL by psycopg 3, unless a driver is named.

    For `postgresql://` alone, SQLAlchemy would need psycopg 2; it is used only if psycopg 3 is not installed.

    Raises:
        InputError: neither is installed.
    """
    kind, separator, rest = uri.partition("://")
    if kind != "postgresql" or not separator:
        return uri
    if find_spec("psycopg"):
        return f"postgresql+psycopg://{rest}"
    if find_spec("psycopg2"):
        return uri
    raise InputError.unexpected(
        "tracking.uri", f"{uri}, but no package that can reach PostgreSQL", "psycopg", _install("postgresql")
    )


def require_s3(artifacts: str) -> None:
    """Refuse an address in S3 where the package that writes there is missing.

    Raises:
        InputError: boto3 is not installed.
    """
    if not find_spec("boto3"):
        raise InputError.unexpected(
            "tracking.artifacts", f"{artifacts}, but no package that writes to S3", "boto3", _install("s3")
        )


def installation(error: str) -> str:
    """Return what to install, for the text of an error about a missing package; empty for every other error."""
    missing = _MODULE.search(error)
    if not missing:
        return ""
    name = missing[1]
    return _install(_EXTRAS[name]) if name in _EXTRAS else f"Install it: pip install {name}"


def _install(extra: str) -> str:
    return f'Install it: pip install "pellucid[{extra}]"'


def few_attempts() -> None:
    """Let MLflow, PostgreSQL and S3 give up within seconds, unless the user set otherwise, and keep them quiet.

    Their own settings wait for minutes.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "false"
    # MLflow asks the server for each finished run again, to print its address.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for name, value in {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "PGCONNECT_TIMEOUT": "10",
        "AWS_MAX_ATTEMPTS": "3",
    }.items():
        os.environ.setdefault(name, value)
