"""Every command of README, CONTRIBUTING and docs/ is run here, run by another test, or on a list that says why not."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT
from tests.docs.pages import PAGES, blocks, commands, name

# Run here with --dry-run: what they would run is planned, with their configuration and their targets.
PLANNED = [
    "snakemake --cores 4",
    "snakemake --cores 4 -n",
    "snakemake --cores 4 results",
    "snakemake --cores 4 --resources gpu=2 --config gpu=true",
    "snakemake --cores 4 --config run=[digits]",
    "snakemake --cores 4 --config run=[digits_seeds]",
    "snakemake --cores 4 --config run=[photographs]",
    "snakemake --cores 4 --config run=[bearing]",
    "snakemake --cores 4 --config run=[series_gap, series_attention, series_windows]",
    "snakemake --cores 4 --config run=[digits] experiments={digits: {seed: 2}}",
    "snakemake -n --config run=[digits] experiments={digits: {seed: 2}}",
    "snakemake --cores 4 --forcerun explain_occlusion",
    "snakemake --cores 4 --forcerun results/digits/explain/occlusion/attributions.npz",
    "snakemake --cores 4 results/digits/explain/saliency/saliency.png",
    "snakemake --cores 4 results/digits/page.html",
    "snakemake --cores 4 results/digits_seeds__training_seed_2/explain/saliency/saliency.png --config run=[digits_seeds]",
]
# Run in full by another test, on smaller data where the command itself takes long.
TESTED = {
    "snakemake --cores 4 --configfile mine.yaml": "tests/workflow/test_own_data.py::test_the_documented_example",
    "snakemake --configfile mine.yaml --report results/report.html": "tests/workflow/test_report.py",
    "snakemake --cores 4 --configfile docs/how_to/examples/waves.yaml": (
        "tests/docs/test_examples.py::test_the_workflow_runs_all_of_them"
    ),
    "snakemake --unlock": "tests/docs/test_commands.py::test_unlock",
    "snakemake --cores 2 --config run=[mitbih_small] experiments={mitbih_small: {dataset: { "
    "train: /path/to/mitbih_train.csv, test: /path/to/mitbih_test.csv}}}": (
        "tests/docs/test_commands.py::test_heartbeats_named_on_the_command_line"
    ),
    "snakemake --cores 2 --config run=[ptbxl_small] experiments={ptbxl_small: {dataset: {folder: /path/to/ptbxl}}}": (
        "tests/docs/test_commands.py::test_a_folder_of_ptbxl_named_on_the_command_line"
    ),
    "snakemake --cores 2 --config run=[ptbxl_small] experiments={ptbxl_small: {repeats: 5, explain: none, dataset: { "
    "folder: /path/to/ptbxl}}}": "tests/docs/test_commands.py::test_a_folder_of_ptbxl_named_on_the_command_line",
    "make ui": "tests/workflow/test_ui.py",
    "make demo": "tests/workflow/test_demo.py",
    "pellucid demo": "tests/workflow/test_demo.py",
    "pellucid init my_study": "tests/workflow/test_anywhere.py::test_a_study_of_an_installed_wheel_runs_as_init_writes_it",
    "pellucid list methods occlusion": "tests/unit/cli/test_commands.py",
    "pellucid list data table": "tests/unit/cli/test_commands.py",
    "pellucid check": "tests/unit/cli/test_commands.py",
    "pellucid explain model.keras beats.csv --method grad_cam --method occlusion:window=9,stride=3": (
        "tests/unit/cli/test_explain.py"
    ),
    "pellucid explain model.keras beats.csv --classes normal,ectopic,noise --target ectopic --minus normal": (
        "tests/unit/cli/test_explain.py::test_a_contrast_is_that_of_python"
    ),
    "pellucid explain model.keras examples.npz --input ecg": (
        "tests/unit/api/test_several_inputs.py::test_the_command_writes_what_python_gives"
    ),
    "snakemake --snakefile /path/to/pellucid/Snakefile --directory my_study --cores 4": (
        "tests/workflow/test_anywhere.py::test_the_workflow_runs_in_another_folder"
    ),
    "python -m pellucid.jobs.file_digests": "tests/unit/jobs/test_file_digests.py",
    "snakemake --profile profiles/slurm": "tests/workflow/test_slurm.py::test_results_are_those_of_a_local_run",
    "snakemake --profile profiles/slurm --set-resources train:mem_mb=16000 train:runtime=2880": (
        "tests/workflow/test_slurm.py::test_a_job_over_its_memory_says_so"
    ),
    "snakemake --profile profiles/kubernetes -n": (
        "tests/workflow/test_no_shared_files.py::test_the_profile_for_kubernetes_plans_and_runs_pods"
    ),
    "snakemake --profile profiles/kubernetes": (
        "tests/workflow/test_no_shared_files.py::test_the_profile_for_kubernetes_plans_and_runs_pods"
    ),
    "snakemake --cores 1 results/digits/measured/saliency/example_17.png": "tests/workflow/test_measured.py",
    "make report": "tests/workflow/test_report.py",
    "make docs": "tests/docs/test_pages.py::test_the_pages_build_without_a_warning_and_load_nothing_from_elsewhere",
}
# They download: packages, or data that are not here.
NETWORK = [
    "make run",
    "make peers",
    "make lock",
    "snakemake --cores 4 --config run=[mitbih]",
    "pipx install pre-commit",
    "pre-commit install",
    "pip install pellucid[slurm]",
    "pip install pellucid[postgresql,s3]",
    "pip install pellucid[gpu]",
    "pip install -e .[kubernetes]",
    "aws s3 sync s3://my-bucket/my-project/results results",
    "make run GPU=1",
]
# They are the tests, or take as long as all of them.
CHECKS = ["make test", "make test-slow", "make bench", "make lint", "make format", "make gallery"]
# Parts of `make bench`, which take minutes each and judge nothing.
MEASURED = [
    f"python -m tests.bench {part}"
    for part in (
        "occlusion",
        "scores",
        "peers",
        "ecg",
        "csv",
        "stream",
        "heartbeats",
        "few_examples",
        "first_picture",
        "dag",
        "long_signals",
        "freqrise",
        "published_degradation",
        "published_rescaling",
        "rescaling_cause",
        "published_tris",
        "summaries",
        "published",
        "published_state",
        "planted_labels",
        "shortcuts",
        "flipped_labels",
        "rankings",
    )
]
# They change the shell that they are typed into.
SHELL = [
    "export SBATCH_PARTITION=short SBATCH_ACCOUNT=my_project",
    "export SNAKEMAKE_STORAGE_S3_ACCESS_KEY=my_key SNAKEMAKE_STORAGE_S3_SECRET_KEY=my_secret",
    "source .venv/bin/activate",
    "cd my_study",
    'echo eval "$(pellucid completion bash)" >> ~/.bashrc',
]

# Every command as one line, with the page that it stands on and its words.
FOUND = {
    " ".join(" ".join(words).split()): (page, words)
    for page in PAGES
    for block in blocks(page, "bash", "console")
    for words in commands(block)
}


def test_every_command_has_its_place():
    places = [*PLANNED, *TESTED, *NETWORK, *CHECKS, *MEASURED, *SHELL]
    assert len(places) == len(set(places))
    assert {command: page for command, (page, _) in FOUND.items() if command not in places} == {}


def test_no_place_is_left_over():
    # Targets of make may also stand in sentences.
    assert {command for command in (*PLANNED, *TESTED, *MEASURED, *SHELL) if command not in FOUND} == set()


@pytest.mark.parametrize("test", sorted(set(TESTED.values())))
def test_what_another_test_runs_is_there(test):
    path, _, function = test.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not function or f"def {function}(" in text


def test_every_benchmark_that_a_page_names_is_there():
    text = (ROOT / "tests" / "bench" / "__main__.py").read_text(encoding="utf-8")
    assert all(f'"{command.split()[-1]}": ' in text for command in MEASURED)


def test_every_target_of_make_that_a_page_names_is_there():
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`make ([a-z-]+)", text) + [
            command.split()[1]
            for command, where in FOUND.items()
            if where == name(page) and command.startswith("make ")
        ]
        assert set(named) <= known, name(page)


def test_the_forge_runs_what_is_there_on_every_python_that_is_supported():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [step["run"] for job in flow["jobs"].values() for step in job["steps"] if "run" in step]
    for target in re.findall(r"^make (\S+)", "\n".join(lines), re.MULTILINE):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target
    supported = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    versions = [f"3.{minor}" for minor in range(8, 30) if f"3.{minor}" in supported]
    assert flow["jobs"]["test"]["strategy"]["matrix"]["python"] == versions


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_help_lists_every_target():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(phony)


@pytest.fixture
def folder(tmp_path):
    """A folder with config.yaml alone."""
    shutil.copy(ROOT / "config.yaml", tmp_path)
    return tmp_path


def run(folder, command, *more):
    """Run a command of Snakemake on the project's workflow, in a folder of its own."""
    program, *arguments = command
    assert program == "snakemake"
    own = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    # Options that take several values swallow what comes after them, so these come first.
    given = [sys.executable, "-m", "snakemake", *own, *more, *arguments]
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("command", PLANNED)
def test_what_the_command_would_run_is_planned(folder, command):
    done = run(folder, FOUND[command][1], "--dry-run")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "This was a dry-run" in done.stdout + done.stderr


@pytest.mark.slow
def test_unlock(folder):
    assert run(folder, ["snakemake", "--unlock"]).returncode == 0


@pytest.mark.slow
def test_heartbeats_named_on_the_command_line(folder):
    files = ("mitbih_train.csv", "mitbih_test.csv")
    for file in files:
        (folder / file).write_text("0," * 187 + "0\n")
    command = next(command for command in TESTED if "mitbih_small" in command)
    words = [word.replace("/path/to", str(folder)) for word in FOUND[command][1]]
    done = run(folder, words, "--dry-run")
    assert done.returncode == 0, done.stderr[-3000:]
    assert all(file in done.stdout + done.stderr for file in files)


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in TESTED if "ptbxl_small" in command])
def test_a_folder_of_ptbxl_named_on_the_command_line(folder, command):
    (folder / "ptbxl").mkdir(exist_ok=True)
    done = run(folder, [word.replace("/path/to", str(folder)) for word in FOUND[command][1]], "--dry-run")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ptbxl_small" in done.stdout + done.stderr


def test_a_misspelt_key_ends_the_run_as_the_pages_say(folder):
    (sentence,) = {
        block.strip() for page in PAGES for block in blocks(page, "") if block.strip().startswith("experiments.digits")
    }
    command = ["snakemake", "--dry-run", "--config", "run=[digits]", "experiments={digits: {examples: {per_clas: 2}}}"]
    done = run(folder, command)
    assert done.returncode != 0
    # A dry run says everything on standard output.
    assert sentence in done.stdout + done.stderr
