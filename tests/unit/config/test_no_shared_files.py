"""Files of the user's own where jobs share no file system: what is brought, what is refused, what a job looks for."""

import io
from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import files
from pellucid.config import no_shared_files, resolution, source_files, stored_sizes
from pellucid.config.resolution import ConfigError
from pellucid.downloads import fetch
from pellucid.errors import InputError


@pytest.fixture
def announced(monkeypatch):
    """Say where jobs run, until the test has ended."""
    monkeypatch.setenv(no_shared_files._VARIABLE, "")
    no_shared_files.announce(shared=True, main=True)
    yield lambda main: no_shared_files.announce(shared=False, main=main)
    no_shared_files.announce(shared=True, main=True)


def config(dataset):
    experiment = {"dataset": dataset, "model": {"architecture": "gap_cnn"}}
    return {"run": ["own"], "experiments": {"own": experiment}}


def table(tmp_path):
    path = tmp_path / "beats.csv"
    path.write_text("1,2,a\n3,4,b\n")
    return path, config({"source": "table", "file": str(path)})


def test_a_local_file_is_used_where_it_lies_unless_jobs_run_elsewhere(tmp_path, announced):
    path, content = table(tmp_path)
    resolved = resolution.resolve(content)
    assert source_files.paths(resolved, "own", "dataset") == {"file": str(path)}
    assert source_files.downloads(resolved) == {}
    announced(main=True)
    (brought,) = source_files.paths(resolved, "own", "dataset").values()
    assert brought.startswith("results/downloads/")
    assert brought.endswith("/beats.csv")
    (source,) = source_files.downloads(resolved).values()
    assert source_files.brought(source) == [str(path)]
    fetch(**source, target=tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == path.read_bytes()
    assert source_files.brought({"address": "https://example.org/beats.csv"}) == []


def test_a_local_file_with_another_checksum_is_not_brought(tmp_path):
    path, _ = table(tmp_path)
    with pytest.raises(InputError, match="expected SHA-256 0000"):
        fetch(str(path), "0" * 64, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_files_are_looked_for_where_the_run_was_started_and_not_in_its_jobs(tmp_path, announced):
    path, content = table(tmp_path)
    path.unlink()
    announced(main=True)
    with pytest.raises(ConfigError, match="found no file at"):
        resolution.resolve(content)
    announced(main=False)
    (brought,) = source_files.paths(resolution.resolve(content), "own", "dataset").values()
    assert brought.startswith("results/downloads/")


def test_a_folder_is_refused_with_what_to_do(tmp_path, announced):
    (tmp_path / "photographs").mkdir()
    content = config({"source": "images", "folder": str(tmp_path / "photographs")})
    announced(main=True)
    with pytest.raises(ConfigError, match=r"dataset\.folder: found the folder .*photographs.*share no file system"):
        resolution.resolve(content)
    # A source that reads no folder names none.
    assert no_shared_files.folder_faults({"folder": "none"}, ("folder",), "dataset") == []


def test_a_file_of_a_storage_is_told_by_its_place_in_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = ".snakemake/storage/s3/bucket/project/results/digits/model/model.keras"
    assert str(files.in_results(stored)) == "results/digits/model/model.keras"
    assert "--forcerun results/digits/model/model.keras " in files.remedy(stored)
    for other in ("results/digits/data/data.json", "data/results/x.csv", "../results/x"):
        assert str(files.in_results(other)) == other


class Stored(str):
    """A path as Snakemake hands it to a rule: with the object of a storage."""

    is_storage = True

    def __new__(cls, content, *, main=True, listed=None):
        path = super().__new__(cls, "/absent/" + "x_train.npy")
        array = io.BytesIO()
        np.save(array, np.zeros((100, 50, 2), np.float32))
        path.asked = []
        data = array.getvalue() if content else b""

        def exists():
            path.asked.append("exists")
            return bool(data)

        def get(Range):  # noqa: N803
            first, last = map(int, Range.removeprefix("bytes=").split("-"))
            return {"Body": io.BytesIO(data[first : last + 1])}

        path.storage_object = SimpleNamespace(
            query=f"s3://{id(path)}", exists=exists, size=lambda: len(data), s3obj=lambda: SimpleNamespace(get=get)
        )
        cache = SimpleNamespace(active=listed is not None, size={path: listed} if listed else {})
        path.rule = SimpleNamespace(workflow=SimpleNamespace(is_main_process=main, iocache=cache))
        return path


def test_sizes_of_stored_files_are_asked_for_once():
    path = Stored(content=True)
    assert stored_sizes.size_of(path) == stored_sizes.size_of(path) == 40_128
    assert path.asked == ["exists"]
    assert stored_sizes.example_bytes(path) == 50 * 2 * 4


def test_sizes_that_are_listed_or_not_needed_are_not_asked_for():
    for path, size in (
        (Stored(content=True, listed=7), 7),
        (Stored(content=True, listed=0), 0),
        (Stored(content=True, main=False), 0),
    ):
        assert stored_sizes.size_of(path) == size
        assert stored_sizes.example_bytes(path) == 0
        assert path.asked == []
    assert stored_sizes.size_of(Stored(content=False)) == stored_sizes.example_bytes(Stored(content=False)) == 0
