"""The workflow from an installed wheel, from another folder, and as a module of another workflow: each to a figure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import venv
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.support import tiny

pytestmark = pytest.mark.slow

EXPERIMENT = {
    "title": "Handwritten digits",
    "dataset": {"source": "digits"},
    "model": {"architecture": "digit_cnn"},
    "training": {"epochs": 1, "batch_size": 128},
    "examples": {"per_class": 1},
    "methods": ["saliency"],
    "views": "none",
    "scores": "none",
}
CONFIG = {"run": ["digits"], "experiments": {"digits": EXPERIMENT}}
FIGURE = "results/digits/explain/saliency/saliency.png"


def ended(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command to its end; return what it said."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout + done.stderr


def is_picture(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def uses_clone(said: str) -> bool:
    """Whether a log names a file of this clone: the packages that the wheel needs may lie in an environment in it."""
    return str(ROOT) in said.replace(sysconfig.get_path("purelib"), "")


def without_package() -> dict[str, str]:
    """The environment of a user: nothing says where the package is."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PELLUCID"))}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which a wheel of this project was installed, beside the packages that it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("workflow", "profiles", "envs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    ended(
        [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)], folder
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment")
    python = folder / "environment" / "bin" / "python"
    ended([*pip, "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)], folder, without_package())
    shutil.rmtree(source)
    # Python adds the folder, but does not read the .pth files in it: so not the editable installation of this clone.
    (site,) = (folder / "environment" / "lib").glob("python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_a_study_of_an_installed_wheel_runs_as_init_writes_it(installed, tmp_path):
    user = without_package()
    said = ended([str(installed.parent / "pellucid"), "init", "study"], tmp_path, user)
    assert "snakemake --cores 4" in said
    study = tmp_path / "study"
    assert len((study / "Snakefile").read_text().splitlines()) == 3
    schema = (study / "config.yaml").read_text().splitlines()[0].partition("$schema=")[2]
    assert Path(schema).is_file()
    assert installed.parents[1] in Path(schema).parents
    said = ended([str(installed), "-m", "snakemake", "--cores", "2", "results"], study, user)
    pictures = list((study / "results" / "my_study" / "explain").glob("*/*.png"))
    assert {path.parent.name for path in pictures} == {"saliency", "grad_cam", "occlusion"}
    assert all(map(is_picture, pictures))
    assert not uses_clone(said)
    assert "Reason:" not in said
    assert "The first figure of an explanation is ready: results/my_study/explain/" in said


def test_an_installed_wheel_reads_a_configuration_that_has_no_snakefile_beside_it(installed, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    said = ended([str(installed.parent / "pellucid"), "run", "-n", FIGURE], tmp_path, without_package())
    assert "Draw saliency of digits" in said
    assert not uses_clone(said)


def test_the_workflow_runs_in_another_folder(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    own = ["--snakefile", str(ROOT / "Snakefile"), "--directory", "study", "--cores", "2"]
    ended([sys.executable, "-m", "snakemake", *own, FIGURE], tmp_path, without_package())
    assert is_picture(tmp_path / "study" / FIGURE)
    assert not (tmp_path / "results").exists()


MODULE = f"""
configfile: "other.yaml"

module pellucid:
    snakefile: "{ROOT / "Snakefile"}"
    config: config["pellucid"]

use rule * from pellucid

use rule evaluate from pellucid with:
    priority: 3

rule summary:
    default_target: True
    input: "{FIGURE}"
    output: "summary.txt"
    params: word=config["word"]
    shell: "echo {{params.word}} {{input}} > {{output}}"
"""


def test_the_workflow_is_a_module_of_another_one(tmp_path):
    (tmp_path / "Snakefile").write_text(textwrap.dedent(MODULE))
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({"word": "from", "pellucid": CONFIG}))
    # Another workflow's configuration and options, of which Pellucid knows nothing.
    (tmp_path / "config.yaml").write_text("samples: [a, b]\n")
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "word=looked"]
    ended(command, tmp_path, without_package())
    assert is_picture(tmp_path / FIGURE)
    assert (tmp_path / "summary.txt").read_text() == f"looked {FIGURE}\n"


ENVIRONMENTS = """
import sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ResourceSettings
with SnakemakeApi() as api:
    flow = api.workflow(ResourceSettings(cores=1), snakefile=Path("Snakefile"))._workflow
    rules = [rule for rule in flow.rules if rule.conda_env]
    files = {rule.expand_conda_env({}).file.get_path_or_uri(secret_free=True) for rule in rules}
    assert len(rules) > 10
    print("environments", *files)
"""


@pytest.mark.parametrize("of", ["module", "include"])
def test_other_workflows_find_the_environment_of_the_rules(of, tmp_path):
    text = textwrap.dedent(MODULE) if of == "module" else f'include: "{ROOT / "Snakefile"}"\n'
    (tmp_path / "Snakefile").write_text(text)
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({"word": "from", "pellucid": CONFIG}))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    said = ended([sys.executable, "-c", ENVIRONMENTS], tmp_path, tiny.environment())
    (line,) = [line for line in said.splitlines() if line.startswith("environments")]
    (path,) = line.split()[1:]
    assert Path(path).resolve() == ROOT / "envs" / "pellucid.yaml"
