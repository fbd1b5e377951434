"""The store that a project keeps its record in: copied, moved, linked, begun by several, damaged, foreign, or late."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pellucid import files, tracking
from pellucid.errors import InputError
from pellucid.tracking import artifact_folder, database, faults

NAME = "pellucid"


@pytest.fixture(autouse=True)
def surroundings() -> Iterator[None]:
    """The environment and MLflow's own settings as they were before the test."""
    import mlflow

    with mock.patch.dict(os.environ):
        yield
        mlflow.set_tracking_uri(None)


class Folder:
    """A project's folder with a store and the tables of one comparison."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, folder / "results" / "mlflow"
        self.uri = f"sqlite:///{self.store}/mlflow.db"

    @property
    def client(self) -> Any:
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri)

    @property
    def experiment(self) -> Any:
        return self.client.get_experiment_by_name(NAME)

    def compare(self) -> Any:
        """Record a comparison, as a process of its own would, which remembers no paths; return its run."""
        from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

        _artifact_repos_cache.clear()
        tracking.track_comparison(
            uri=self.uri,
            experiment=NAME,
            name="rates",
            kind="study",
            note="Rates",
            params={"rate": 1},
            tables=[self.folder / "table.csv"],
            attached=[self.folder / "figure.png"],
            root=self.folder,
            output=self.folder / "study.json",
        )
        return self.client.get_run(files.read_json(self.folder / "study.json")["run"])

    def runs(self) -> list[Any]:
        return list(self.client.search_runs([self.experiment.experiment_id]))

    def contents(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }

    def untag(self) -> None:
        """Make it a store of the time when experiments had no tag."""
        with closing(sqlite3.connect(self.store / "mlflow.db")) as connection, connection:
            connection.execute("delete from experiment_tags where key = ?", (artifact_folder._BESIDE,))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables and nothing else: it takes seconds to make."""
    path = tmp_path_factory.mktemp("made") / "mlflow.db"
    database.make(path, f"sqlite:///{path}")
    return path


@pytest.fixture
def first(tmp_path: Path, made: Path) -> Folder:
    """A project with one recorded run."""
    folder = Folder(tmp_path / "first")
    folder.store.mkdir(parents=True)
    shutil.copy(made, folder.store / "mlflow.db")
    (folder.folder / "table.csv").write_text("n\n1\n")
    (folder.folder / "figure.png").write_text("first figure")
    with mock.patch.object(faults, "upgrade"):
        tracking.prepare(uri=folder.uri, experiment=NAME, output=folder.store / "store.json")
    folder.compare()
    return folder


def _copied(first: Folder, name: str = "second") -> Folder:
    shutil.copytree(first.folder, first.folder.parent / name, symlinks=True)
    return Folder(first.folder.parent / name)


@pytest.mark.parametrize("tagged", [True, False])
def test_a_copied_project_writes_nothing_into_the_first(
    first: Folder, caplog: pytest.LogCaptureFixture, tagged: bool
) -> None:
    if not tagged:
        first.untag()
    second, before = _copied(first), first.contents()
    run = first.compare().info.run_id if tagged else first.runs()[0].info.run_id
    before = first.contents()
    (second.folder / "figure.png").write_text("second figure")
    with caplog.at_level("WARNING"):
        recorded = second.compare()
    assert [line for line in caplog.messages if "copied or moved" in line] != []
    assert recorded.info.run_id == run
    assert first.contents() == before
    assert Path(recorded.info.artifact_uri.removeprefix("file://")).is_relative_to(second.store)
    assert (second.store / "artifacts" / run / "artifacts" / "figures" / "figure.png").read_text() == "second figure"
    caplog.clear()
    (second.folder / "table.csv").write_text("n\n2\n")
    assert Path(second.compare().info.artifact_uri.removeprefix("file://")).is_relative_to(second.store)
    assert [line for line in caplog.messages if "copied or moved" in line] == []
    assert first.contents() == before


@pytest.mark.parametrize("tagged", [True, False])
def test_a_moved_project_keeps_its_record(first: Folder, tagged: bool) -> None:
    if not tagged:
        first.untag()
    before = first.runs()[0].info.run_id
    moved = Folder(first.folder.parent / "a moved #1 %")
    first.folder.rename(moved.folder)
    assert moved.compare().info.run_id == before
    assert not first.folder.exists()
    held = moved.client.list_artifacts(before)
    assert {item.path for item in held} == {"figures", "origin.json", "table.csv"}


def test_files_behind_a_link_that_was_copied_are_refused(first: Folder) -> None:
    disk = first.folder.parent / "disk"
    (first.store / "artifacts").rename(disk)
    (first.store / "artifacts").symlink_to(disk)
    run = first.compare()
    second = _copied(first)
    before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
    (second.folder / "figure.png").write_text("second figure")
    with pytest.raises(InputError, match=r"belong to .*/first/results/mlflow/mlflow\.db"):
        second.compare()
    assert {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()} == before
    # The first goes on.
    assert first.compare().info.run_id == run.info.run_id


def test_a_copy_of_hard_links_is_refused(first: Folder) -> None:
    second = Folder(first.folder.parent / "second")
    shutil.copytree(first.folder, second.folder, copy_function=os.link)
    before = first.contents()
    with pytest.raises(InputError, match="tracking.experiment"):
        second.compare()
    assert first.contents() == before


def test_a_copied_database_without_its_files_records_them_anew(first: Folder) -> None:
    run = first.runs()[0].info.run_id
    before = first.contents()
    second = _copied(first)
    shutil.rmtree(second.store / "artifacts")
    recorded = second.compare()
    assert recorded.info.run_id != run
    assert {item.path for item in second.client.list_artifacts(recorded.info.run_id)} == {
        "figures",
        "origin.json",
        "table.csv",
    }
    assert first.contents() == before
    assert len(second.runs()) == 1


def test_files_that_somebody_laid_elsewhere_on_purpose_stay_there(first: Folder) -> None:
    elsewhere = first.folder.parent / "disk" / "artifacts"
    elsewhere.mkdir(parents=True)
    identity = first.client.create_experiment("own", artifact_location=elsewhere.as_uri())
    with mock.patch.object(sys.modules[__name__], "NAME", "own"):
        assert first.compare().info.artifact_uri.startswith(elsewhere.as_uri())
        assert _copied(first).compare().info.artifact_uri.startswith(elsewhere.as_uri())
    assert first.client.get_experiment(identity).artifact_location == elsewhere.as_uri()


def test_a_copied_project_with_a_database_that_is_no_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.entities import Experiment, ExperimentTag

    uri, client = "postgresql://host/runs", mock.Mock()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "first")
    artifact_folder.create(client, NAME, uri)
    chosen = client.create_experiment.call_args.kwargs
    tags = [ExperimentTag(key, value) for key, value in chosen["tags"].items()]
    for held in (tags, []):
        there = Experiment("1", NAME, chosen["artifact_location"], "active", tags=held)
        monkeypatch.chdir(tmp_path / "first")
        assert artifact_folder.settle(client, there, uri) == there or not held
        monkeypatch.chdir(tmp_path / "second")
        with pytest.raises(InputError, match="tracking.experiment"):
            artifact_folder.settle(client, there, uri)
    own = Experiment("1", NAME, "s3://bucket/runs", "active")
    assert artifact_folder.settle(client, own, uri) is own


def _text(path: Path) -> None:
    path.write_text("This is a text, and it is longer than the header of a database. " * 20)


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table moz_places (url text)")


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update alembic_version set version_num = 'ffffffffffff'")


def _odd(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update alembic_version set version_num = '../*'")


def _damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:60000] = b"\x7f" * (60000 - 8192)
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50_000])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _below_a_file(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("")


@pytest.mark.parametrize("spoil", [_text, _foreign, _newer, _odd, _damaged, _cut, _folder, _below_a_file])
def test_what_is_no_usable_database_is_told_in_one_line_and_left_as_it_is(
    made: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    path = folder / "mlflow.db"
    if spoil is not _foreign:
        shutil.copy(made, path)
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(InputError) as raised:
        tracking.prepare(uri=f"sqlite:///{path}", experiment="x", output=tmp_path / "store.json")
    assert "sqlalche.me" not in str(raised.value)
    assert str(path.parent) in str(raised.value)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert not (tmp_path / "store.json").exists()


def test_a_database_that_another_process_locks_is_told(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mlflow.db"
    shutil.copy(made, path)
    monkeypatch.setattr(database, "_WAIT", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(InputError, match="locked"):
            tracking.prepare(uri=f"sqlite:///{path}", experiment="x", output=tmp_path / "store.json")


def test_a_database_that_may_not_be_written_is_told(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mlflow.db"
    shutil.copy(made, path)
    for locked in (path, path.parent):
        # Of root no file is kept.
        monkeypatch.setattr(os, "access", lambda asked, mode, locked=locked: asked != locked)
        with pytest.raises(InputError, match="may not be written"):
            database.check(path)


@pytest.mark.parametrize(
    "uri", ["./mlruns", "file:./mlruns", "databricks", "sqlite://", "sqlite:///:memory:", "nosuch://h/x", "mysql://h/x"]
)
def test_what_is_no_store_is_told_in_one_line_and_at_once(uri: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tracking.uri") as raised:
        tracking.prepare(uri=uri, experiment="x", output=tmp_path / "store.json")
    assert "sqlalche.me" not in str(raised.value)


def test_an_error_of_sqlalchemy_is_told_without_its_sql() -> None:
    text = (
        "(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT]\n(Background on this error at: https://x)"
    )
    told = faults.of_store(RuntimeError(text), "sqlite:///a.db")
    assert "(database or disk is full)" in str(told)
    assert "Background" not in str(told)
    lost = faults.of_store(OSError(28, "No space left on device", "/disk/a.png"), "sqlite:///a.db")
    assert "/disk/a.png" in str(lost)


def test_files_of_runs_that_cannot_be_written_are_told_in_one_line(first: Folder) -> None:
    shutil.rmtree(first.store / "artifacts")
    (first.store / "artifacts").write_text("no folder")
    (first.folder / "table.csv").write_text("n\n3\n")
    with pytest.raises(InputError, match="artifacts"):
        first.compare()
    assert {run.info.status for run in first.runs()} <= {"FINISHED", "FAILED"}


def test_a_run_that_a_late_server_began_for_a_try_that_was_given_up_is_deleted(first: Folder) -> None:
    import mlflow

    create = mlflow.MlflowClient.create_run

    def twice(*arguments: Any, **options: Any) -> Any:
        create(*arguments, **options)
        return create(*arguments, **options)

    (first.folder / "table.csv").write_text("n\n4\n")
    with mock.patch.object(mlflow.MlflowClient, "create_run", twice):
        run = first.compare()
    assert run.info.status == "FINISHED"
    assert {other.info.status for other in first.runs()} == {"FINISHED"}
    # One that came after all was over goes with the next record, whatever that records.
    late = create(
        first.client, first.experiment.experiment_id, tags={"pellucid.digest": run.data.tags["pellucid.digest"]}
    )
    other = create(first.client, first.experiment.experiment_id, tags={"pellucid.digest": "of another project"})
    (first.folder / "table.csv").write_text("n\n5\n")
    first.compare()
    left = {run.info.run_id for run in first.runs()}
    assert late.info.run_id not in left
    assert other.info.run_id in left


def test_an_experiment_that_another_project_makes_at_the_same_time_is_taken(first: Folder) -> None:
    from pellucid.tracking import store

    with (
        mock.patch.object(faults, "upgrade"),
        mock.patch.object(store, "find_experiment", side_effect=[None, first.experiment]),
    ):
        assert store.ensure(first.uri, NAME) == first.experiment.experiment_id


def test_a_killed_maker_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"

    def killed(uri: str, name: str) -> None:
        Path(uri.removeprefix("sqlite:///")).write_bytes(b"half")
        os._exit(1)

    if (child := os.fork()) == 0:
        with mock.patch.object(faults, "upgrade", killed):
            database.make(path, f"sqlite:///{path}")
    os.waitpid(child, 0)
    assert not path.exists()
    with mock.patch.object(
        faults, "upgrade", lambda uri, name: Path(uri.removeprefix("sqlite:///")).write_bytes(b"whole")
    ):
        database.make(path, f"sqlite:///{path}")
    assert path.read_bytes() == b"whole"
    assert [held.name for held in tmp_path.iterdir()] == ["mlflow.db"]


@pytest.mark.slow
def test_three_projects_begin_one_store_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pellucid import tracking; "
        "tracking.prepare(uri=sys.argv[1], experiment=sys.argv[2], output=sys.argv[3])"
    )
    for turn in range(3):
        uri = f"sqlite:///{tmp_path}/{turn}/mlflow.db"
        begun = [
            subprocess.Popen(
                [sys.executable, "-c", code, uri, f"x{project % 2}", str(tmp_path / f"{project}.json")],
                stderr=subprocess.PIPE,
                text=True,
            )
            for project in range(3)
        ]
        for process in begun:
            _, said = process.communicate()
            assert process.returncode == 0, said
