"""The documentation's way from a CSV of one's own, to the letter: a file beside config.yaml, merged over it."""

import re

import numpy as np
import pytest

from pellucid import files
from tests.conftest import ROOT
from tests.support import tiny


def documented_example():
    """The first configuration of the page, and the header that it goes with."""
    section = (ROOT / "docs" / "how_to" / "your_data.md").read_text(encoding="utf-8")
    header = re.search(r"^(t0,.*label)$", section, re.M)[1].split(",")
    return re.search(r"```yaml\n(.*?)```", section, re.S)[1], header[-2:]


@pytest.fixture
def folder(tmp_path):
    """A folder with config.yaml, and the page's example on 120 made-up beats of twelve minutes as mine.yaml."""
    example, last = documented_example()
    assert "/path/to/beats.csv" in example
    rng = np.random.default_rng(0)
    rows = [",".join([*(f"t{step}" for step in range(30)), *last])]
    for beat in range(120):
        values = (f"{value:.3f}" for value in rng.normal(size=30))
        rows.append(",".join([*values, str(beat // 10), "A" if beat % 10 == 0 else "N"]))
    (tmp_path / "beats.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "mine.yaml").write_text(example.replace("/path/to/beats.csv", "beats.csv"))
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    return tmp_path


def test_the_documented_example(folder):
    tiny.build(folder, "results/mine/data/data.json", config="mine.yaml")
    data_info = files.read_json(folder / "results/mine/data/data.json")
    assert (data_info["classes"], data_info["channels"], data_info["unit"]) == (
        ["A", "N"],
        ["ECG"],
        "standard deviations",
    )
    assert data_info["shape"] == [30, 1]
    assert sum(count for split in data_info["counts"].values() for count in split.values()) == 120
    minutes = [minute for split in data_info["groups"].values() for minute in split]
    assert sorted(minutes, key=int) == [str(minute) for minute in range(12)]
    assert data_info["scale"] == "standard"


def test_a_fault_of_the_file_is_told_before_any_training(folder):
    rows = (folder / "beats.csv").read_text().replace("minute", "hour", 1)
    (folder / "beats.csv").write_text(rows)
    done = tiny.snakemake(folder, "--cores", "1", "results/mine/model/model.keras", config="mine.yaml")
    assert done.returncode != 0
    assert 'beats.csv, group: found no column "minute"; expected one of t0, t1' in done.stderr
    assert not (folder / "results/mine/data/data.json").exists()
    assert not (folder / "results/mine/model").exists() or not list((folder / "results/mine/model").iterdir())
