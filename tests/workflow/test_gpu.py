"""`gpu` in the configuration: which rules ask for a card, and what a real card computes where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from pellucid import files, plugins
from tests.conftest import ROOT
from tests.support import tiny
from tests.support.project import Project

PROBE = """
include: "Snakefile"

import json

limit = workflow.global_resources["gpu"].value if "gpu" in workflow.global_resources else None
rules = {
    made.name: [made.resources["gpu"].value if "gpu" in made.resources else None, dict(made.params.items()).get("gpu")]
    for made in workflow.rules
}
print("FOUND", json.dumps([limit, rules]))
"""
METHODS = {"saliency": {}, "random_attribution": {}}
CONFIG = {
    "run": ["digits"],
    "defaults": {
        "training": {"epochs": 2},
        "examples": {"per_class": 1},
        "methods": METHODS,
        "views": {"filters": {}},
        "scores": {"cost": {}, "deletion_insertion": {}},
    },
    "experiments": {"digits": {**tiny.DIGITS, "title": "Digits"}},
}
ASKING = {"train", "train_keeping_checkpoints", "train_random_labels", "evaluate", "predict", "evidence", "check"}
ASKING |= {"evaluate_labels", "evaluate_values", "permutation", "measure_saliency"}
ASKING |= {"explain_saliency", "view_filters", "score_deletion_insertion"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("gpu"), CONFIG)
    (made.folder / "probe.smk").write_text(PROBE)
    return made


def asked(project: Project, *arguments: str) -> tuple[int | None, dict[str, Any]]:
    """The limit of cards, and what each rule asks for."""
    command = ["--snakefile", "probe.smk", "--dry-run", *arguments]
    done = project.snakemake(*command, "--", "results/digits/data/data.json")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND")] or [done.stdout + done.stderr]
    limit, rules = json.loads(line.removeprefix("FOUND "))
    return limit, rules


def test_rules_with_a_model_ask_for_one_card_and_no_others(project: Project) -> None:
    limit, rules = asked(project, "--config", "gpu={tf32: true}")
    assert limit == 1
    assert {name for name, (cards, _) in rules.items() if cards} == ASKING
    assert all(rule == [1, {"tf32": True}] for name, rule in rules.items() if name in ASKING)
    # What has no parameter keeps its results when the switch is changed.
    assert all(rule == [None, None] for name, rule in rules.items() if name not in ASKING)
    limit, _ = asked(project, "--config", "gpu=true", "--resources", "gpu=3")
    assert limit == 3


def test_without_gpu_no_rule_knows_of_cards(project: Project) -> None:
    limit, rules = asked(project)
    assert limit is None
    assert {tuple(rule) for rule in rules.values()} == {(None, None)}


def test_every_method_and_score_says_whether_it_needs_the_model() -> None:
    """The rules ask by this field: a method that asks the model without it would compute without a card."""
    for package in ("explain", "score"):
        for name, module in plugins.load(package).items():
            assert isinstance(module.SPEC.needs_model, bool), name


@pytest.mark.parametrize(("cards", "option"), [(0, []), (1, ["--gres=gpu:1"])])
def test_slurm_is_asked_for_a_card_where_a_job_asks_for_one(tmp_path: Path, cards: int, option: list[str]) -> None:
    text = (ROOT / "profiles" / "slurm" / "profile.yaml").read_text()
    profile = yaml.safe_load("\n".join(line for line in text.splitlines() if "?" not in line))
    assert (profile["default-resources"]["gpu"], profile["resources"]["gpu"]) == (0, 1)
    resources = SimpleNamespace(mem_mb=900, runtime=5, gpu=cards)
    command = profile["cluster-generic-submit-cmd"].format(name="train", threads=2, resources=resources)
    told = subprocess.run(
        ["bash", "-c", f'sbatch() {{ echo "$@"; }}; {command}'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    words = told.stdout.split()
    assert [word for word in words if word.startswith("--gres")] == option
    assert "--mem=900" in words


@pytest.mark.slow
def test_a_card_gives_the_same_bytes_twice_and_nearly_those_of_the_cpu(tmp_path: Path) -> None:
    """The one test that needs a card: run it where there is one, before results of cards are believed."""
    code = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if found.stdout.strip() in ("", "0"):
        pytest.skip("TensorFlow finds no card on this machine (pip install pellucid[gpu], and NVIDIA's driver)")
    folders = {}
    for name, gpu in (("first", True), ("second", True), ("cpu", False)):
        made = Project(tmp_path / name, {**CONFIG, "gpu": gpu})
        made.build("results/digits/score/checks.csv")
        folders[name] = made.folder / "results" / "digits"
    of_card, of_cpu = (files.read_json(folders[name] / "model" / "training.json") for name in ("first", "cpu"))
    assert of_card["device"]["driver"] != "unknown"
    assert of_card["device"]["tf32"] is False
    assert "device" not in of_cpu
    maps = {name: files.read_arrays(folders[name] / "explain/saliency/attributions.npz") for name in folders}
    np.testing.assert_array_equal(maps["first"]["attributions"], maps["second"]["attributions"])
    assert files.read_json(folders["second"] / "model" / "training.json") == of_card
    assert of_card["best_val_loss"] == pytest.approx(of_cpu["best_val_loss"], rel=0.05)
    assert "False" not in (folders["first"] / "score" / "checks.csv").read_text()
    shutil.rmtree(tmp_path / "second")


def test_the_lock_with_cuda_has_the_versions_of_the_one_without() -> None:
    """A run without a card must give the same bytes in both environments."""

    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / "envs" / name).read_text().splitlines()
        return dict(line.split(" ")[0].split("==") for line in lines if "==" in line and line[0].isalpha())

    plain, with_cuda = pins("lock.txt"), pins("lock-gpu.txt")
    assert {name: with_cuda.get(name) for name in plain} == plain
    added = set(with_cuda) - set(plain)
    assert added
    assert all(name.startswith("nvidia-") for name in added)
