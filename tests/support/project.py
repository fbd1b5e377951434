"""A copy of the project that tests edit, to see what the edit reruns."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.support import tiny


class Project:
    """A copy of the project in a folder of its own, with a small configuration."""

    def __init__(self, folder: Path, content: Mapping[str, Any]) -> None:
        self.folder = folder
        for name in ("workflow", "profiles", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Snakefile", folder)
        self.configure(content)

    def configure(self, content: Mapping[str, Any]) -> None:
        tiny.write_config(self.folder, content)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def build(self, *arguments: str) -> str:
        """Run it on two cores; return what it said."""
        return tiny.done(self.snakemake("--cores", "2", *arguments))

    def planned(self, *arguments: str) -> set[str]:
        """The messages of the jobs that a dry run lists."""
        return tiny.messages(self.snakemake("--dry-run", *arguments))

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
