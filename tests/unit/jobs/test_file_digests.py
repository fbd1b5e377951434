"""Digests of the files between stages: whatever differs from what a job wrote is named, and nothing else."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import files, tables
from pellucid.errors import InputError
from pellucid.jobs import file_digests
from pellucid.jobs.script import job

FILE = "results/digits/data/x_train.npy"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project's folder with one file between stages, in which the process is."""
    monkeypatch.chdir(tmp_path)
    files.write_array(FILE, np.arange(5000, dtype=np.float32))
    file_digests.record([FILE])
    return tmp_path


def flip(content):
    content = bytearray(content)
    content[len(content) // 2] ^= 1
    return bytes(content)


DAMAGES = {
    "flipped": flip,
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\n",
}


def damage(path, how):
    with Path(path).open("rb+") as file:
        content = how(file.read())
        file.seek(0)
        file.truncate()
        file.write(content)


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("large", [0, file_digests.LARGE])
def test_a_damaged_file_is_named_with_the_command_that_makes_it_again(monkeypatch, how, large):
    monkeypatch.setattr(file_digests, "LARGE", large)
    assert file_digests.check([FILE]) == []
    damage(FILE, DAMAGES[how])
    with pytest.raises(InputError, match="x_train") as error:
        file_digests.check([FILE])
    assert f"snakemake --cores 4 --forcerun {FILE}" in str(error.value)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_digest_accuses(how):
    damage("results/digits/.digests/data/x_train.npy.digest", DAMAGES[how])
    if how == "longer":
        assert file_digests.check([FILE]) == []
        return
    with pytest.raises(InputError, match="x_train"):
        file_digests.check([FILE])


def test_a_large_file_is_read_once_and_again_after_every_change(monkeypatch):
    monkeypatch.setattr(file_digests, "LARGE", 0)
    file_digests.check([FILE])
    read = []
    monkeypatch.setattr(
        file_digests, "_digest_of", lambda file, content=file_digests._digest_of: read.append(1) or content(file)
    )
    file_digests.check([FILE])
    assert not read
    file_digests.check([FILE], whole=True)
    os.utime(FILE, (0, 0))
    file_digests.check([FILE])
    file_digests.check([FILE])
    assert len(read) == 2
    # Another file of the same bytes: a copied project.
    shutil.copytree("results/digits", "results/copied")
    file_digests.check([FILE.replace("digits", "copied")])
    assert len(read) == 3


def test_a_file_without_a_digest_is_told_and_files_of_the_user_are_left_alone(tmp_path):
    (tmp_path / "own.npy").write_bytes(b"anything")
    unknown = "results/digits/model/model.keras"
    files.write_json(unknown, {})
    assert file_digests.check([FILE, unknown, "own.npy", tmp_path / "own.npy"]) == [unknown]
    file_digests.record(["own.npy", tmp_path / unknown])
    assert file_digests.check([FILE, unknown]) == []
    assert [path.name for path in tmp_path.iterdir()] in (["own.npy", "results"], ["results", "own.npy"])


def test_every_damaged_file_has_its_line(caplog):
    paths = [FILE, *(f"results/digits/{number}/a.json" for number in range(3))]
    for path in paths[1:]:
        files.write_json(path, {})
    file_digests.record(paths)
    for path in paths:
        damage(path, flip)
    with pytest.raises(InputError) as error:
        file_digests.check(paths)
    told = caplog.text + str(error.value)
    assert all(path in told for path in paths)


ORPHAN = """
import sys
from pellucid.jobs import file_digests
from pellucid import files
with file_digests.alone("results/digits/data/x_train.npy"):
    print("begun", flush=True)
    sys.stdin.readline()
    files.write_json("results/digits/ended.json", {})
"""


def test_a_job_waits_for_the_end_of_another_that_makes_the_same_file(project, caplog):
    package = str(Path(file_digests.__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN],
        env={**os.environ, "PYTHONPATH": package},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as orphan:
        assert orphan.stdout.readline() == "begun\n"
        with file_digests.alone("results/digits/data/x_test.npy"):
            assert not caplog.text
        threading.Timer(0.2, lambda: orphan.stdin.close()).start()
        with file_digests.alone(FILE):
            assert Path("results/digits/ended.json").exists()
    assert f"process {orphan.pid}" in caplog.text


def snakemake(inputs, outputs):
    return SimpleNamespace(
        input=inputs, output=outputs, wildcards=["digits"], rule="rule", log=["results/digits/logs/rule.log"], params={}
    )


def run(inputs, outputs, body):
    """The exit code of a job, and what its log says."""
    code = 0
    try:
        with job(snakemake(inputs, outputs)):
            body()
    except SystemExit as end:
        code = end.code
    return code, Path("results/digits/logs/rule.log").read_text()


OUTPUT = "results/digits/evaluation/metrics.json"


def test_a_job_gives_its_outputs_digests():
    assert run([FILE], [OUTPUT], lambda: files.write_json(OUTPUT, {"accuracy": 1})) == (0, "")
    assert file_digests.check([OUTPUT]) == []
    damage(OUTPUT, flip)
    code, log = run([FILE, OUTPUT], [], pytest.fail)
    assert code == 1
    assert OUTPUT in log
    assert len(log.splitlines()) == 1


def test_a_job_that_fails_leaves_no_digest_that_would_accuse_a_later_file(project):
    run([], [OUTPUT], lambda: files.write_json(OUTPUT, {"accuracy": 1}))

    def fail():
        files.write_json(OUTPUT, {"accuracy": 2})
        raise RuntimeError

    assert run([], [OUTPUT], fail)[0] == 1
    assert not list(project.rglob("metrics.json.digest"))


def test_what_goes_wrong_with_inputs_without_a_digest_is_one_line():
    files.write_json(OUTPUT, {})
    code, log = run([OUTPUT], [], lambda: files.read_json(OUTPUT)["accuracy"])
    assert code == 1
    assert len(log.splitlines()) == 2
    assert OUTPUT in log


def test_the_command_looks_at_every_file_and_accepts_one(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["digests"])
    file_digests.main()
    damage(FILE, flip)
    with pytest.raises(SystemExit, match="x_train"):
        file_digests.main()
    monkeypatch.setattr("sys.argv", ["digests", "--accept", FILE])
    file_digests.main()
    assert file_digests.check([FILE]) == []


READERS = {
    "a.json": (lambda path: files.write_json(path, {"values": [1, 2, 3]}), files.read_json),
    "a.npy": (lambda path: files.write_array(path, np.arange(9.0)), files.map_array),
    "a.npz": (lambda path: files.write_arrays(path, {"a": np.arange(9.0)}), files.read_arrays),
    "b.npz": (lambda path: files.write_arrays(path, {"a": np.arange(9.0)}), files.map_arrays),
    "a.csv": (lambda path: path.write_text(",a,b\na,1,2\nb,3,4\n"), tables.read_square),
}


@pytest.mark.parametrize("how", ["cut", "empty"])
@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_cut_is_an_input_error_where_no_digest_is(tmp_path, name, how):
    path = tmp_path / name
    write, read = READERS[name]
    write(path)
    read(path)
    damage(path, DAMAGES[how])
    with pytest.raises(InputError, match=name):
        read(path)


def test_a_table_without_a_line_is_an_input_error(tmp_path):
    (tmp_path / "a.csv").touch()
    with pytest.raises(InputError, match="a.csv"):
        tables.read(tmp_path / "a.csv")


def test_no_other_file_of_an_experiment_is_touched(project):
    # `make clean`, the record and the report take what they find in the folders of the stages.
    left = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert left == {FILE, "results/digits/.digests/data/x_train.npy.digest"}
    assert files.read_json("results/digits/.digests/data/x_train.npy.digest").keys() == {"size", "crc32"}
