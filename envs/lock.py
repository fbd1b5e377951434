"""Renew the lock files and the conda environment from pyproject.toml: `make lock`."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Valid for every platform and Python version that pyproject.toml names; no word of where the packages came from.
UV = [sys.executable, "-m", "uv", "pip", "compile", "--upgrade", "--universal", "--python-version", "3.11"]
OPTIONS = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet"]
HEADER = """\
# The environment that `snakemake --sdm conda` makes. Versions are those of lock.txt: `make lock` writes both.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def compile_lock(*arguments: str) -> None:
    """Resolve what `arguments` name into a lock file."""
    subprocess.run([*UV, *OPTIONS, "-c", "envs/constraints.txt", *arguments], cwd=HERE.parent, check=True)


def pins(lock: Path) -> dict[str, str]:
    """Version by package of a lock file."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE))


def direct(pyproject: Path) -> list[str]:
    """Names of the packages that pyproject.toml asks for."""
    wanted = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    return [re.split(r"[<>=!~ \[]", requirement)[0].lower() for requirement in wanted]


def conda() -> str:
    """The conda environment: the direct dependencies at the lock's versions."""
    locked = pins(HERE / "lock.txt")
    return HEADER + "".join(f"      - {name}=={locked[name]}\n" for name in direct(HERE.parent / "pyproject.toml"))


if __name__ == "__main__":
    compile_lock("pyproject.toml", "--output-file", "envs/lock.txt")
    # Development tools fit themselves to what users run, never the other way round.
    compile_lock("--group", "pyproject.toml:dev", "-c", "envs/lock.txt", "--output-file", "envs/lock-dev.txt")
    # The same versions, and CUDA: what runs with a card differs from what runs without by the card alone.
    compile_lock("pyproject.toml", "--extra", "gpu", "-c", "envs/lock.txt", "--output-file", "envs/lock-gpu.txt")
    (HERE / "pellucid.yaml").write_text(conda())
