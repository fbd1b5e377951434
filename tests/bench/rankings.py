"""Whether a ranking of methods over trainings holds for other trainings: two studies of five, 500 examples each.

Both train the same network on the same simulated heartbeats, from the seeds 1 to 5 and 6 to 10, and explain the same 100
test examples of each class. What the first study claims is held against the second. It takes about an hour: set
`PELLUCID_BENCH_FOLDER` to a folder that keeps what is done, and a run that was ended goes on.
"""

from __future__ import annotations

import csv
import os
import subprocess
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import yaml

from pellucid import files
from pellucid.compare.study_ranking import agreement
from tests.bench.timing import row
from tests.support import tiny

STUDIES = {"ecg_a": 1, "ecg_b": 6}  # the first seed of each
TRAININGS = 5
METRICS = {
    "relevance rank": ("localisation", "relevance_rank"),
    "relevance mass": ("localisation", "relevance_mass"),
    "insertion less deletion (mean)": ("deletion_insertion", "insertion_less_deletion.mean"),
}
# What no network is asked for.
CONTROLS = frozenset({"random_attribution", "all_equal", "input_magnitude"})


def main() -> None:
    """Make both studies where they are not made yet, and print what holds."""
    kept = os.environ.get("PELLUCID_BENCH_FOLDER")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(kept or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rankings.yaml").write_text(yaml.safe_dump(config()))
        wanted = [f"results/{study}/study/ranking.csv" for study in STUDIES]
        made = tiny.command(folder, "--cores", "2", "--quiet", "all", "--", *wanted, config="rankings.yaml")
        subprocess.run(made, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        report(folder / "results")


def config() -> dict[str, object]:
    """Return the configuration of both studies."""
    return {
        "run": list(STUDIES),
        "experiments": {
            study: {
                "title": f"Simulated heartbeats, trainings from seed {seed}",
                "dataset": {"source": "synthetic_ecg", "per_class": 500},
                "model": {"architecture": "heartbeat_cnn", "batch_norm_momentum": 0.9},
                "training": {"epochs": 15, "batch_size": 32, "seed": seed},
                "repeats": TRAININGS,
                "explain": "all",
                "examples": {"per_class": 100, "choose": "any", "target": "true"},
                "views": "none",
                "scores": ["localisation", "deletion_insertion"],
            }
            for study, seed in STUDIES.items()
        },
    }


def report(results: Path) -> None:
    """Print agreement, claims and the ranking of both studies."""
    findings = {study: files.read_json(results / study / "study" / "ranking.json")[0] for study in STUDIES}
    claims = {study: _claims(results / study / "study" / "differences.csv") for study in STUDIES}
    first, second = STUDIES
    shown = findings[first]
    print(f"Simulated heartbeats, {shown['examples']} examples, two studies of {TRAININGS} trainings")
    row("", "seeds 1–5", "seeds 6–10")
    row("Kendall's τ between two trainings: mean rank", *(findings[study]["kendall_tau"] for study in STUDIES))
    for name, metric in METRICS.items():
        row(f"  {name}", *(_tau(results, study, *metric) for study in STUDIES))
    row("differences that are claimed", *(_share(claims[study]) for study in STUDIES))
    against = [_reversed(claims[first], claims[second]), _reversed(claims[second], claims[first])]
    row("of them with the other sign in the other study", *against)
    print()
    print(f"  {'':<22}{'seeds 1–5: mean rank, ranks':<30}{'seeds 6–10: mean rank, ranks':<30}relevance rank")
    found = _found(results)
    ranks = {study: _ranks(results / study / "study" / "ranking.csv") for study in STUDIES}
    for method in ranks[first]:
        print(f"  {method:<22}" + "".join(f"{ranks[study][method]:<30}" for study in STUDIES) + found[method])
    print()
    for study in STUDIES:
        seeds = f"{STUDIES[study]}–{STUDIES[study] + TRAININGS - 1}"
        print(textwrap.fill(f"seeds {seeds}: {findings[study]['sentence']}", 116))


def _claims(path: Path) -> dict[tuple[str, str], tuple[float, bool]]:
    """Return the difference of each pair, in the order of their names, and whether it is claimed."""
    pairs = {}
    for line in csv.DictReader(path.open()):
        one, other, difference = line["explanation"], line["other"], float(line["difference"])
        key, sign = ((one, other), 1) if one < other else ((other, one), -1)
        pairs[key] = (sign * difference, line["told apart"] == "True")
    return pairs


def _share(claims: dict[tuple[str, str], tuple[float, bool]]) -> str:
    return f"{sum(claimed for _, claimed in claims.values())} of {len(claims)}"


def _reversed(
    claims: dict[tuple[str, str], tuple[float, bool]], others: dict[tuple[str, str], tuple[float, bool]]
) -> str:
    held = [pair for pair, (_, claimed) in claims.items() if claimed]
    wrong = sum(claims[pair][0] * others[pair][0] < 0 for pair in held)
    return f"{wrong} of {len(held)}"


def _tau(results: Path, study: str, score: str, metric: str) -> float:
    files_of = [member / "score" / score / "scores.csv" for member in _members(results, study)]
    means = [_means(path, metric) for path in files_of]
    return agreement(np.array([[of[name] for name in means[0] if name not in CONTROLS] for of in means]))


def _found(results: Path) -> dict[str, str]:
    """Return the mean share of the evidence that each method finds, with its standard deviation over all trainings."""
    score, metric = METRICS["relevance rank"]
    paths = [member / "score" / score / "scores.csv" for study in STUDIES for member in _members(results, study)]
    means = [_means(path, metric) for path in paths]
    shares = {name: [of[name] for of in means] for name in means[0]}
    return {name: f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}" for name, values in shares.items()}


def _members(results: Path, study: str) -> list[Path]:
    return [results / f"{study}__training_seed_{STUDIES[study] + place}" for place in range(TRAININGS)]


def _means(path: Path, metric: str) -> dict[str, float]:
    lines = [line for line in csv.DictReader(path.open()) if (line["over"], line["class"]) == ("all", "all")]
    return {line["explanation"]: float(line["mean"]) for line in lines if line["metric"] == metric}


def _ranks(path: Path) -> dict[str, str]:
    lines = list(csv.DictReader(path.open()))
    return {
        line["explanation"]: f"{float(line['mean rank']):4.1f} [{float(line['low']):4.1f}, {float(line['high']):4.1f}]"
        f"{line['lowest rank'] + '–' + line['highest rank']:>7}"
        for line in lines
    }
