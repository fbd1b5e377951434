"""Snakemake whose jobs run in its own process, one after another: what `dag` compares with, and no way to work."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

from snakemake.cli import main
from snakemake.script import PythonScript


def _run(script: Any, path: str, edit: bool = False) -> None:
    folder = Path.cwd()
    runpy.run_path(str(Path(path).absolute()), run_name="__main__")
    os.chdir(folder)


if __name__ == "__main__":
    PythonScript.execute_script = _run
    main()
