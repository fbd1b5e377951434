"""`make ui`: MLflow's pages for the store that config.yaml names, on this machine alone."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

import yaml

from pellucid import credentials, files
from pellucid.errors import InputError
from pellucid.jobs import file_digests
from pellucid.messages import first_line
from pellucid.tracking import drivers, saved_views

HOST = "127.0.0.1"
STORE = Path("results/mlflow/store.json")


def main() -> None:
    """Print the address and become the server; Ctrl-C ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="the first port to try")
    parser.add_argument("--config", type=Path, default=Path("config.yaml"))
    arguments = parser.parse_args()
    if not arguments.config.is_file():
        sys.exit(
            f"There is no file {arguments.config}. Start in the folder of your study, or name the file: --config FILE."
        )
    settings = settings_of(arguments.config)
    uri = str(settings.get("uri", "sqlite:///results/mlflow/mlflow.db"))
    if secret := credentials.secret_of(uri):
        sys.exit(f"tracking.uri: found an address with {secret} in it; expected the address without it.")
    if uri.startswith("http"):
        print(f"The record is kept by a server: open {uri}")
        return
    database = Path(uri.removeprefix("sqlite:///"))
    if uri.startswith("sqlite") and not database.is_file():
        sys.exit(f"There is no record at {database} yet: `make run` makes it.")
    _restore(uri, str(settings.get("experiment", "pellucid")))
    address = drivers.with_driver(uri)
    port = free_port(arguments.port)
    print(f"MLflow: http://{HOST}:{port}{page(STORE)}  (ready in a few seconds; Ctrl-C ends it)", flush=True)
    # One worker and no job service: 2 processes and 0.4 GB instead of 15 and 2.2 GB.
    os.environ.update(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true")
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", HOST, "--port", str(port)]
    # A log line for each request, or warnings of MLflow's own code, would scroll the address away.
    os.environ.update(PYTHONWARNINGS="ignore", MLFLOW_LOGGING_LEVEL="WARNING")
    os.execv(sys.executable, [*command, "--backend-store-uri", address, "--uvicorn-opts", "--log-level warning"])


def settings_of(config: Path) -> dict[str, Any]:
    """Return the entry `tracking` of a configuration, without checks: Snakemake checks the whole configuration."""
    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        sys.exit(f"{config}: found a file that cannot be read ({first_line(error)}); expected YAML.")
    tracking = content.get("tracking") if isinstance(content, dict) else None
    return tracking if isinstance(tracking, dict) else {}


def _restore(uri: str, experiment: str) -> None:
    """Restore a deleted experiment, and refuse a store that cannot be used, as every rule does."""
    # MLflow takes seconds to import.
    from pellucid import tracking

    logging.basicConfig(format="%(message)s")
    logging.getLogger("pellucid").setLevel(logging.INFO)
    try:
        tracking.restore(uri, experiment)
    except InputError as error:
        sys.exit(credentials.masked(str(error)))


def page(store: Path) -> str:
    """Return the page of the runs (MLflow would open one on language models); empty without `store.json`."""
    if not store.is_file():
        return ""
    try:
        file_digests.check([store])
        with files.reading(store, "the id of an MLflow experiment"):
            identity = files.read_json(store)["experiment_id"]
    except InputError as error:
        # The runs are still in the database: MLflow's first page leads to them.
        print(error, file=sys.stderr)
        return ""
    return saved_views.page(identity)


def free_port(first: int) -> int:
    """Return the first of 50 ports from `first` on at which nothing listens."""
    for port in range(max(first, 1), min(first + 50, 2**16)):
        with socket.socket() as connection:
            if connection.connect_ex((HOST, port)) != 0:
                return port
    sys.exit(f"No port from {first} to {first + 49} is free. Name another one: --port NUMBER.")


if __name__ == "__main__":
    main()
