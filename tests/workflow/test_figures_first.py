"""What is to be looked at comes before what judges it: the order of the jobs, seen in their plan."""

import json
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.support import tiny

CONFIG = {
    "run": ["digits", "brief"],
    "defaults": {
        "training": {"epochs": 1},
        "methods": {"saliency": {}, "occlusion": {"window": 3}},
        "views": {"filters": {}},
        "scores": {"random_labels": {}, "form": {}},
    },
    "experiments": {"digits": tiny.DIGITS, "brief": tiny.DIGITS},
}
LATER = r"view_|draw_view|score_|draw_score|check|draw_checks|draw_overview|.*agreement|.*leaderboard|.*comparison|page|track"


# Lists the jobs of a plan: rule, inputs and priority. What a dry run prints names none of them beside a rule's message.
PROGRAM = """
import json, sys
from pathlib import Path
from snakemake import api
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

with api.SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as snakemake:
    snakefile, folder = map(Path, sys.argv[1:])
    settings = ConfigSettings(configfiles=[folder / "config.yaml"])
    plan = snakemake.workflow(ResourceSettings(cores=1), settings, snakefile=snakefile, workdir=folder).dag()
    workflow = plan.workflow_api._workflow
    workflow._prepare_dag(forceall=False, ignore_incomplete=False, lock_warn_only=True)
    workflow._build_dag()
    jobs = [
        (job.rule.name, list(map(str, job.input)), job.rule.expand_priority(job.wildcards, job.input, 0))
        for job in workflow.dag.jobs
    ]
print(json.dumps(jobs))
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """Of each job of a plan: its rule, its inputs and its priority."""
    folder = tmp_path_factory.mktemp("order")
    tiny.write_config(folder, CONFIG)
    command = [sys.executable, "-c", PROGRAM, str(ROOT / "Snakefile"), str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    tiny.done(done)
    return json.loads(done.stdout.splitlines()[-1])


def test_figures_of_every_experiment_come_before_scores_and_views(jobs):
    later = [(rule, priority) for rule, _, priority in jobs if re.match(LATER, rule)]
    earlier = [(rule, priority) for rule, _, priority in jobs if not re.match(f"{LATER}|all$", rule)]
    assert len(later) > 20
    assert len(earlier) > 20
    assert max(priority for _, priority in later) < min(priority for _, priority in earlier)
    # The second training is one of a score, and long.
    least = min(earlier, key=lambda job: job[1])
    assert least[0] == "train_random_labels"


def test_one_explanation_of_each_experiment_comes_before_other_trainings(jobs):
    priority = {rule: priority for rule, _, priority in jobs}
    way = ["occlusion", "train", "evaluate", "select_examples", "saliency", "draw_explanation"]
    numbers = [priority[f"explain_{name}" if name in CONFIG["defaults"]["methods"] else name] for name in way]
    assert numbers == sorted(set(numbers))


def test_a_figure_of_an_explanation_waits_for_it_alone(jobs):
    inputs = [paths for rule, paths, _ in jobs if rule == "draw_explanation"]
    assert len(inputs) == 4
    for paths in inputs:
        assert sorted(path.split("/", 2)[2] for path in paths) in (
            ["data/data.json", "explain/saliency/attributions.npz"],
            ["data/data.json", "explain/occlusion/attributions.npz"],
        )
