"""Every file between stages is damaged in every way, and named by the job that would have read it."""

import csv
import os
import re
import shlex
import shutil

import pytest

from pellucid.errors import InputError
from pellucid.jobs import file_digests
from tests.support import tiny

DAMAGES = {
    "flipped": lambda content: bytes([content[0] ^ 1, *content[1:]]),
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
}


@pytest.fixture
def copy(tiny_run, tmp_path, monkeypatch):
    """A copy of the finished run, in which the process is."""
    shutil.copytree(tiny_run, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def damage(path, how):
    """Change a file, and nothing of its times that Snakemake would see."""
    stat = path.stat()
    path.write_bytes(DAMAGES[how](path.read_bytes()))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.slow
def test_every_output_has_a_digest_that_tells_damage_and_is_read_by_a_job(copy):
    summary = tiny.snakemake(copy, "--detailed-summary")
    rows = list(csv.DictReader(tiny.done(summary) and summary.stdout.splitlines(), delimiter="\t"))
    outputs = [copy / row["output_file"] for row in rows if row["output_file"] != "-"]
    read = {path for row in rows for path in re.split("[, ]+", row["input-file(s)"])}
    assert len(outputs) > 50
    assert file_digests.check(outputs) == []
    for path in outputs:
        name = str(path.relative_to(copy))
        # Pictures end in the record and in the report, summaries of pages in the report, the seconds of a training in a
        # study, groups of examples in summaries of whole test sets, ids of the record in nothing.
        ends = ("tracking.json", "model/cost.json", "summary.json", "data/groups.npz")
        elsewhere = path.suffix in (".png", ".svg") or name.endswith(ends)
        assert name in read or elsewhere, name
        content = path.read_bytes()
        for how in DAMAGES:
            damage(path, how)
            with pytest.raises(InputError, match=re.escape(name)):
                file_digests.check([path])
            path.write_bytes(content)


@pytest.mark.slow
def test_a_job_names_a_damaged_input_and_the_command_makes_it_again(copy):
    # Of which kind a damage is only the digest sees, which the test above damages in every way.
    paths = [copy / "results/digits" / name for name in ("data/x_test.npy", "data/data.json", "model/history.csv")]
    before = [path.read_bytes() for path in paths]
    for path, how in zip(paths, DAMAGES, strict=True):
        damage(path, how)
    refused = tiny.snakemake(copy, "--cores", "2", "--forcerun", "evaluate", "draw_training", "draw_data")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    for path in paths:
        told = re.search(rf"results\S+{path.name}: found .* (snakemake --cores 4 --forcerun \S+)", refused.stderr)
        assert told, refused.stderr
        tiny.snakemake(copy, *shlex.split(told[1])[1:])
    tiny.build(copy)
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.slow
def test_no_report_shows_a_damaged_picture(copy):
    tiny.done(tiny.snakemake(copy, "--report", "report.html"))
    damage(copy / "results/digits/model/history.png", "cut")
    refused = tiny.snakemake(copy, "--report", "report.html")
    assert refused.returncode != 0
    assert "--forcerun results/digits/model/history.png" in refused.stderr
    assert "Traceback" not in refused.stderr
