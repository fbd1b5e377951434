"""The groups of jobs on a cluster: every rule of an experiment has a place, and the profile can be read."""

import re

from pellucid.config import job_groups
from tests.conftest import ROOT

# Jobs of their own: another training, and the parts of a method, which a cluster runs side by side.
ALONE = ("train_random_labels", "measure_{method}")


def rules():
    """Return the rules that run a script, as the files of the rules name them: `explain_{method}` for all methods."""
    texts = [path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))]
    named = re.findall(r"^(?:use rule \w+ as |rule )(\w+)(?: with)?:", "\n".join(texts), re.MULTILINE)
    return {*named, *re.findall(r'name:\s+f"(\w+_\{\w+\})"', "\n".join(texts))}


def test_every_rule_is_local_or_in_one_group_or_alone():
    local = set(re.search(r"localrules:\n(.*?)\n\n", (ROOT / "Snakefile").read_text(), re.DOTALL)[1].split())
    local = {name.rstrip(",") for name in local}
    grouped = job_groups.groups()
    for rule in rules():
        kind = rule.split("_{")[0]
        places = [rule in local, rule in grouped or any(name.startswith(f"{kind}_") for name in grouped if "{" in rule)]
        assert sum(places) == (0 if rule in ALONE else 1), rule


def test_no_rule_is_in_two_groups():
    listed = [rule for members in job_groups.members().values() for rule in members]
    assert len(listed) == len(set(listed))


def test_a_group_is_one_experiment_and_all_its_parts():
    groups = job_groups.groups()
    assert groups["explain_occlusion"] == groups["view_filters"] == "explanations_{experiment}"
    assert groups["score_form"] == groups["page"] == "scores_{experiment}"
    assert set(groups.values()) == set(job_groups.components())
