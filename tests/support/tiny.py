"""The real workflow on a configuration that takes half a minute, in a folder of its own; and a browser to look at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import ROOT

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

DIGITS = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}

CONFIG: dict[str, Any] = {
    "run": ["digits", "digits_brief"],
    "defaults": {
        "training": {"epochs": 2, "batch_size": 128},
        "examples": {"per_class": 1},
        "methods": {"saliency": {}},
    },
    "experiments": {
        "digits": {
            **DIGITS,
            "title": "Handwritten digits",
            "methods": {"occlusion": {"window": 3, "stride": 2}, "grad_cam": {}},
        },
        "digits_brief": {
            **DIGITS,
            "title": "Handwritten digits, one epoch",
            "training": {"epochs": 1},
            "methods": {"saliency": {"sweep": {"mode": ["absolute", "signed"]}}},
        },
    },
}

# A new profile, nothing that asks the network by itself, and no sandbox, which root cannot have.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1800,1200",
)


def environment() -> dict[str, str]:
    """The environment in which a process finds the package, wherever it runs."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}


def write_config(folder: Path, content: Mapping[str, Any] = CONFIG) -> Path:
    """Write `config.yaml` into `folder`: of methods, views and scores it runs those alone that it names."""
    path, content = folder / "config.yaml", dict(content)
    defaults = content["defaults"] = dict(content.get("defaults", {}))
    for key in ("methods", "views", "scores"):
        named = defaults.get(key, {})
        defaults[key] = {"only": list(named), **named} if isinstance(named, Mapping) else named
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def command(folder: Path, *arguments: str, config: str = "config.yaml") -> list[str]:
    """What runs the project's Snakefile on a configuration of `folder`, where everything that it makes lies as well."""
    own = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--configfile", str(folder / config)]
    return [sys.executable, "-m", "snakemake", *own, *arguments]


def snakemake(folder: Path, *arguments: str, config: str = "config.yaml") -> subprocess.CompletedProcess[str]:
    """Run the `command`."""
    given = command(folder, *arguments, config=config)
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, check=False)


def done(process: subprocess.CompletedProcess[str]) -> str:
    """What a run said that came to its end."""
    assert process.returncode == 0, process.stderr[-5000:]
    return process.stderr


def build(folder: Path, *arguments: str, config: str = "config.yaml") -> str:
    """Run it on two cores; return what it said."""
    return done(snakemake(folder, "--cores", "2", *arguments, config=config))


def messages(dry_run: subprocess.CompletedProcess[str]) -> set[str]:
    """The messages of the jobs that a dry run lists, without that of `all`, which has none."""
    done(dry_run)
    return set(re.findall(r"^Job \d+: (.*)$", dry_run.stdout + dry_run.stderr, re.MULTILINE))


def planned(folder: Path, *arguments: str) -> set[str]:
    """The messages of the jobs that are to be run."""
    return messages(snakemake(folder, "--dry-run", *arguments))


@contextmanager
def started(command: list[str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all its children in a group of its own, which is ended however the block is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


@contextmanager
def chromium() -> Iterator[Chrome]:
    """Headless Chromium that keeps a record of its requests; the test is skipped where it is not installed."""
    browser, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("chromium and chromedriver are not both installed: no browser to look at the page with")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        window = Chrome(options=options, service=Service(driver))
        try:
            yield window
        finally:
            window.quit()


def requests(window: Chrome) -> list[str]:
    """The addresses that the browser asked for since the last call, those of its own empty page left out."""
    messages = (json.loads(entry["message"])["message"] for entry in window.get_log("performance"))
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [address for address in asked if not address.startswith("chrome")]
