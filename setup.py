"""Put the files of the workflow into the wheel, as `pellucid/project/`; everything else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FILES = (
    "Snakefile",
    "config.yaml",
    "envs/lock.txt",
    "envs/pellucid.yaml",
    "profiles/*/profile.yaml",
    "workflow/report/*.css",
    "workflow/report/*.rst",
    "workflow/rules/*.smk",
    "workflow/schemas/*.json",
    "workflow/scripts/**/*.py",
)


class BuildWithWorkflow(build_py):
    """Builds the package with a copy of the workflow's files; the source distribution takes them from here, too."""

    def _get_data_files(self):
        found = sorted(str(path) for pattern in FILES for path in Path().glob(pattern))
        return [*super()._get_data_files(), ("pellucid", "", f"{self.build_lib}/pellucid/project", found)]


setup(cmdclass={"build_py": BuildWithWorkflow})
