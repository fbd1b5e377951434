"""Jobs on machines that share no file system: the same files as a local run, also where one is killed; a fresh clone."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.config import job_groups
from tests.kills import loop
from tests.support import fresh_node, pods, slurm, team, tiny
from tests.support.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CONFIG: dict[str, Any] = {
    "run": ["beats"],
    "experiments": {
        "beats": {
            # A file of the user's own, which no job finds where it runs.
            "dataset": {"source": "table", "file": "own/beats.csv", "label": "kind"},
            "model": {"architecture": "gap_cnn", "filters": [4], "kernels": [5]},
            "training": {"epochs": 60, "batch_size": 4, "kept_checkpoints": 3},
            "examples": {"per_class": 1, "choose": "any"},
            "methods": {"saliency": {}, "occlusion": {"window": 5}},
            "scores": {"form": {}},
        }
    },
}
MODEL = "results/beats/model/model.keras"
SECRET = "not-a-secret-2"


class Clone(Project):
    """A clone of the project, whose jobs run in empty folders of their own and get their files from S3."""

    def __init__(self, folder: Path, server: str) -> None:
        super().__init__(folder, CONFIG)
        write_beats(folder / "own" / "beats.csv")
        # Snakemake brings the files that git tracks to the jobs.
        (folder / ".gitignore").write_text("results\n.snakemake\nown\n__pycache__\n")
        for command in (["init", "--quiet"], ["add", "."]):
            subprocess.run(["git", *command], cwd=folder, check=True)
        self.nodes = folder.parent / f"{folder.name}_nodes"
        self.nodes.mkdir()
        variables = {"ENDPOINT_URL": server, "ACCESS_KEY": "test", "SECRET_KEY": SECRET}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", *team.KEYS)},
            **{f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in variables.items()},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "NODES": str(self.nodes),
        }

    def command(self, *arguments: str) -> list[str]:
        node = f"{sys.executable} {fresh_node.__file__}"
        options = {
            "executor": ["cluster-generic"],
            "cluster-generic-submit-cmd": [f"{node} submit"],
            "cluster-generic-status-cmd": [f"{node} status"],
            "seconds-between-status-checks": ["1"],
            "default-storage-provider": ["s3"],
            "default-storage-prefix": [f"s3://{team.BUCKET}/project"],
            "shared-fs-usage": ["none"],
            "job-deploy-sources": [],
            "jobs": ["2"],
            "cores": ["2"],
            "local-cores": ["2"],
            "retries": ["1"],
            "groups": [f"{rule}={group}" for rule, group in job_groups.groups().items()],
            "group-components": [f"{group}={number}" for group, number in job_groups.components().items()],
        }
        words = [word for name, values in options.items() for word in (f"--{name}", *values)]
        return [sys.executable, "-m", "snakemake", *arguments, *words]

    def on_kubernetes(self, settings: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the profile for Kubernetes, with another bucket and other seconds than it has."""
        prefix = f"s3://{team.BUCKET}/pods"
        options = ["--default-storage-prefix", prefix, "--seconds-between-status-checks", "1", "--retries", "0"]
        command = [sys.executable, "-m", "snakemake", *arguments, "--profile", "profiles/kubernetes", *options]
        paths = [str(self.folder / "workflow"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = self.environment | {"PYTHONPATH": os.pathsep.join(paths), "KUBECONFIG": str(settings)}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*arguments)
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def said(self) -> str:
        """What all jobs printed."""
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in self.nodes.glob("*/output"))


def write_beats(path: Path) -> None:
    """Write a table of 60 series of two kinds."""
    path.parent.mkdir()
    rng = np.random.default_rng(0)
    kinds = np.arange(60) % 2
    series = rng.normal(size=(60, 30)) + kinds[:, None] * np.sin(np.arange(30))
    header = ",".join([*(f"s{place}" for place in range(30)), "kind"])
    rows = [
        ",".join([*(f"{value:.3f}" for value in row), f"kind {kind}"]) for row, kind in zip(series, kinds, strict=True)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")


class Bucket:
    """The objects below the prefix of the project."""

    def __init__(self, server: str) -> None:
        import boto3

        self.client = boto3.Session().client(
            "s3", endpoint_url=server, aws_access_key_id="test", aws_secret_access_key=SECRET, region_name="us-east-1"
        )

    def objects(self) -> dict[str, float]:
        """When each was written, by its name."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=team.BUCKET, Prefix="project/")
        entries = [entry for page in pages for entry in page.get("Contents", [])]
        return {entry["Key"].removeprefix("project/"): entry["LastModified"].timestamp() for entry in entries}

    def read(self, name: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=team.BUCKET, Key=f"project/{name}")["Body"].read()
        return content

    def epoch(self) -> int:
        """The epoch of the checkpoint that is there; 0 without one."""
        names = [name for name in self.objects() if name.endswith("/progress.json")]
        return len(json.loads(self.read(names[0]))["history"]) if names else 0

    def copy(self, folder: Path) -> None:
        """Copy all results, with their times, as `aws s3 sync` does."""
        for name, written in self.objects().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(name))
            os.utime(path, (written, written))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    team.require("snakemake_storage_plugin_s3", "snakemake_executor_plugin_cluster_generic")
    with team.s3() as address:
        yield address


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on one machine that nothing disturbed."""
    folder = tmp_path_factory.mktemp("local")
    tiny.write_config(folder, CONFIG)
    write_beats(folder / "own" / "beats.csv")
    tiny.build(folder)
    return folder


@pytest.fixture(scope="module")
def clone(server: str, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone whose run is at its end; its training was killed, and went on in another folder."""
    clone, bucket = Clone(tmp_path_factory.mktemp("clones") / "first", server), Bucket(server)
    log = clone.nodes / "log"
    command = clone.command()
    process = None
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=clone.folder, env=clone.environment, stdout=output, stderr=output)
    try:

        def said() -> str:
            return log.read_text() + clone.said()

        slurm.wait_until(lambda: bucket.epoch() >= 2 or process.poll() is not None, 200, said)
        (node,) = (path.name for path in clone.nodes.glob("training*") if not (path / "code").exists())
        fresh_node.kill(clone.nodes / node)
        assert process.wait(400) == 0, said()[-8000:]
    finally:
        process.kill()
        process.wait()
    return clone


def test_results_are_those_of_a_local_run(clone: Clone, server: str, local: Path, tmp_path: Path) -> None:
    Bucket(server).copy(tmp_path)
    left = [name for name in loop.different_files(local, tmp_path) if not name.startswith("downloads/")]
    assert left == []
    assert len(list(tmp_path.rglob("*.svg"))) > 6


def test_a_killed_training_goes_on_elsewhere(clone: Clone, server: str) -> None:
    nodes = sorted(clone.nodes.glob("training*"), key=lambda path: path.stat().st_mtime)
    assert len(nodes) == 2
    text = Bucket(server).read("results/beats/logs/train.log").decode()
    assert "going on from epoch" in text
    assert "epoch 60/60" in text
    assert "epoch  1/60" not in text
    # Checkpoints are gone with the end of the run.
    assert not [name for name in Bucket(server).objects() if "/checkpoints/" in name]


def test_nothing_is_left_to_do_and_no_secret_was_written(clone: Clone, server: str) -> None:
    done = clone.run("--dry-run")
    assert "Nothing to be done" in tiny.done(done) + done.stdout
    written = [path for path in clone.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert SECRET not in clone.said()
    bucket = Bucket(server)
    assert not [name for name in bucket.objects() if SECRET.encode() in bucket.read(name)]


def test_every_job_began_in_an_empty_folder_with_the_sources_alone(clone: Clone) -> None:
    ended = [path for path in clone.nodes.iterdir() if (path / "left").exists()]
    assert len(ended) > 3
    # Copies of the files in the storage go with the job; its sources stay, and nothing of results/.
    left = {line for path in ended for line in (path / "left").read_text().splitlines()}
    assert "workflow/pellucid/files.py" in left
    assert not [line for line in left if line.startswith(("own/", "results/downloads"))]


def test_a_fresh_clone_beside_copied_results_reruns_nothing(
    clone: Clone, server: str, local: Path, tmp_path: Path
) -> None:
    for name, owner in (("of_s3", clone.folder), ("of_local", local)):
        fresh = Project(tmp_path / name, CONFIG)
        # As in a clone: all files of the project are newer than the results.
        for path in [fresh.folder / "Snakefile", *(fresh.folder / "workflow").rglob("*.*")]:
            os.utime(path)
        shutil.copytree(owner / "own", fresh.folder / "own", copy_function=shutil.copy2)
        if owner == local:
            shutil.copytree(local / "results", fresh.folder / "results", copy_function=shutil.copy2)
        else:
            Bucket(server).copy(fresh.folder)
        assert fresh.planned() == set()
        if owner == local:
            # With what Snakemake knows of their making, it sees another parameter.
            shutil.copytree(
                local / ".snakemake" / "metadata", fresh.folder / ".snakemake" / "metadata", dirs_exist_ok=True
            )
            assert fresh.planned() == set()
            changed = copy.deepcopy(CONFIG)
            changed["experiments"]["beats"]["methods"]["occlusion"] = {"window": 7}
            fresh.configure(changed)
            assert "Explain beats by occlusion" in fresh.planned()
            assert "Explain beats by saliency" not in fresh.planned()
            fresh.configure(CONFIG)
        # It would see a missing file, and make that one and what follows from it.
        (fresh.folder / "results/beats/explain/saliency/saliency.png").unlink()
        planned = fresh.planned()
        assert "Draw saliency of beats" in planned
        assert not [line for line in planned if line.startswith(("Prepare", "Train", "Evaluate", "Explain", "Score"))]


def test_the_profile_for_kubernetes_plans_and_runs_pods(server: str, tmp_path: Path) -> None:
    team.require("snakemake_executor_plugin_kubernetes")
    clone = Clone(tmp_path / "clone", server)
    target = "results/beats/data/examples.png"
    dry = clone.on_kubernetes(tmp_path / "no settings", "--dry-run", target)
    said = tiny.done(dry) + dry.stdout
    assert "Prepare the data of beats" in said
    assert "Draw the data of beats" in said
    pods.wheel("snakemake-storage-plugin-s3", tmp_path)
    # As the image of the documentation, in which `python` is the one that has Snakemake.
    image = {
        "PATH": clone.environment["PATH"],
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    (tmp_path / "nodes").mkdir()
    with pods.kubernetes(tmp_path / "nodes", image, tmp_path / "settings") as cluster:
        done = clone.on_kubernetes(tmp_path / "settings", target)
        outputs = "".join((place / "output").read_text() for place in cluster.places.values())
        assert done.returncode == 0, done.stderr[-3000:] + outputs[-5000:]
    (job,) = cluster.jobs.values()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "my-registry/pellucid:latest"
    # 250 MB of Snakemake, 400 and 1,024 of a preparation, and its files.
    assert 1600 <= int(container["resources"]["requests"]["memory"].removesuffix("M")) < 2500
    assert SECRET not in json.dumps(job)
