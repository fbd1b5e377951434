"""Files that a run gets: which are sent, several at a time, and what is said where a package is missing."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from pellucid.errors import InputError
from pellucid.tracking import buckets, drivers, faults, uploads


def test_only_files_that_the_run_lacks_are_changed(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text(name)
    attached = [*uploads.below("figures", [tmp_path / "a.png"]), *uploads.below("", [tmp_path / "b.png"])]
    first = uploads.contents(attached, {"c.json": {"n": 1}})
    assert set(first) == {"figures/a.png", "b.png", "c.json"}
    tag = uploads.in_tag(first, 5000)
    assert uploads.changed(first, tag) == set()
    (tmp_path / "a.png").write_text("other")
    second = uploads.contents(attached, {"c.json": {"n": 2}})
    assert uploads.changed(second, tag) == {"figures/a.png", "c.json"}
    # The same file in another folder is another file; a run of an earlier version has none of them.
    moved = uploads.contents([(tmp_path / "b.png", "figures/b.png")], {})
    assert uploads.changed(moved, tag) == {"figures/b.png"}
    assert uploads.changed(first, "0" * 64) == set(first)


def test_too_many_files_for_a_tag_are_all_sent_when_one_changes() -> None:
    many = {f"figures/{index}.png": f"{index:012x}" for index in range(400)}
    tag = uploads.in_tag(many, 5000)
    assert len(tag) <= 5000
    assert tag == uploads.in_tag(dict(many), 5000)
    assert tag != uploads.in_tag({**many, "figures/1.png": "0" * 12}, 5000)
    assert uploads.changed(many, tag) == set(many)
    # Two hundred files fit.
    few = dict(list(many.items())[:200])
    assert uploads.changed(few, uploads.in_tag(few, 5000)) == set()


def test_a_folder_is_sent_with_the_names_below_it(tmp_path: Path) -> None:
    source, place = tmp_path / "model", tmp_path / "place"
    for name in ("MLmodel", "data/model/weights", "data/keras.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    uploads.send_folder(place.as_uri(), "sqlite:///unused.db", source, 4)
    sent = {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}
    assert sent == {name: name for name in ("MLmodel", "data/model/weights", "data/keras.txt")}


def test_a_file_may_have_another_name_in_the_run(tmp_path: Path) -> None:
    files = [(tmp_path / f"{name}.png", f"{name}/explanation.png") for name in ("saliency", "occlusion")]
    for path, _ in files:
        path.write_text(path.name)
    place = tmp_path / "place"
    uploads.send(place.as_uri(), "sqlite:///unused.db", files, {}, [name for _, name in files], 2)
    sent = {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}
    assert sent == {name: path.name for path, name in files}


@pytest.mark.parametrize("threads", [1, 4])
def test_calls_give_their_results_in_order(threads: int) -> None:
    def slow(number: int) -> int:
        time.sleep(0.01 * (5 - number))
        return number

    assert uploads.together([lambda n=n: slow(n) for n in range(5)], threads) == [0, 1, 2, 3, 4]


def test_after_an_error_no_further_call_begins_and_none_is_left_running() -> None:
    begun, ended, lock = [], [], threading.Lock()

    def call(number: int) -> None:
        with lock:
            begun.append(number)
        time.sleep(0.05)
        if number == 1:
            raise ValueError("the second")
        time.sleep(0.1)
        with lock:
            ended.append(number)

    with pytest.raises(ValueError, match="the second"):
        uploads.together([lambda n=n: call(n) for n in range(40)], 4)
    assert len(begun) < 40
    assert set(begun) - {1} == set(ended)


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        ({"psycopg", "psycopg2"}, "postgresql+psycopg://team@db/records"),
        ({"psycopg2"}, "postgresql://team@db/records"),
        (set(), None),
    ],
)
def test_postgresql_is_spoken_by_what_is_installed(installed: set[str], taken: str | None) -> None:
    with mock.patch.object(drivers, "find_spec", lambda name: name if name in installed else None):
        if taken is None:
            with pytest.raises(InputError, match=r'pip install "pellucid\[postgresql\]"'):
                drivers.with_driver("postgresql://team@db/records")
        else:
            assert drivers.with_driver("postgresql://team@db/records") == taken
        for other in ("sqlite:///a.db", "http://host", "postgresql+psycopg2://db/records", "mysql://db/records"):
            assert drivers.with_driver(other) == other


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        ("psycopg2", 'pip install "pellucid[postgresql]"'),
        ("boto3", 'pip install "pellucid[s3]"'),
        ("MySQLdb", "MySQLdb"),
    ],
)
def test_a_package_that_is_missing_is_named(module: str, hint: str) -> None:
    assert hint in str(faults.of_store(ModuleNotFoundError(f"No module named '{module}'"), "mysql://db/records"))


def test_errors_of_s3_are_known_by_their_package() -> None:
    pytest.importorskip("botocore")
    from botocore.exceptions import ClientError, NoCredentialsError

    answer = {"Error": {"Code": "InvalidAccessKeyId", "Message": "The key does not exist"}}
    for error in (NoCredentialsError(), ClientError(answer, "PutObject")):
        assert buckets.is_of_s3(error)
        assert "AWS_ACCESS_KEY_ID" in str(buckets.fault(error, "s3://records/runs"))
    assert not buckets.is_of_s3(ValueError("other"))
