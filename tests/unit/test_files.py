"""Files between stages: whole or not at all, and the same bytes for the same content."""

import os
import subprocess
import time

import numpy as np
import pytest

from pellucid import files
from pellucid.errors import InputError
from pellucid.lazy_array import LazyRows


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        files.write(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def partials(folder, process):
    """The temporary file of a.m.npz, of another file whose name begins likewise, and of a.m.npz on another host."""
    host = files.temporary(folder / "a").name.split(".")[2]
    paths = [
        folder / f".{stem}.{where}.{process}.partial.npz"
        for stem, where in [("m.noise=1", host), ("m.noise=1.5", host), ("m.noise=1", "0" * 8)]
    ]
    for path in paths:
        path.write_text("half")
    return paths


def save(path):
    files.write(path, lambda temporary: temporary.write_text("whole"))


def test_what_a_killed_process_left_of_this_file_is_cleared(tmp_path):
    with subprocess.Popen(["true"]) as ended:
        pass
    left, other_file, other_host = partials(tmp_path, ended.pid)
    save(tmp_path / "m.noise=1.npz")
    assert not left.exists()
    assert other_file.exists()
    assert other_host.exists()
    os.utime(other_host, (0, 0))
    save(tmp_path / "m.noise=1.npz")
    assert not other_host.exists()


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    # A killed Snakemake leaves its jobs running, and its successor starts them again.
    with subprocess.Popen(["sleep", "60"]) as living:
        left, *_ = partials(tmp_path, living.pid)
        save(tmp_path / "m.noise=1.npz")
        living.kill()
    assert left.exists()


def test_equal_arrays_are_equal_bytes_at_any_time(tmp_path, rng, monkeypatch):
    arrays = {"b": rng.normal(size=(3, 4)), "a": np.arange(5)}
    files.write_arrays(tmp_path / "one.npz", arrays)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    files.write_arrays(tmp_path / "two.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as found:
        np.testing.assert_array_equal(found["b"], arrays["b"])


def test_objects_are_never_pickled(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle=False"):
        files.write_arrays(tmp_path / "a.npz", {"a": np.array([{}], object)})
    assert not list(tmp_path.iterdir())


def test_json_refuses_what_json_cannot_say(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"a": float("nan")})


def test_digest_sees_dtype_shape_content_and_nothing_else(rng):
    x = rng.normal(size=(4, 6))
    assert files.digest({"x": x, "n": 1}) == files.digest({"n": 1, "x": x.copy(order="F")})
    others = [x.astype(np.float32), x.reshape(6, 4), x + 1e-12, x.tolist()]
    assert len({files.digest(other) for other in [x, *others]}) == 5
    assert files.digest([1, [2, 3]]) != files.digest([[1, 2], 3])
    assert files.digest(["a", "b"]) != files.digest(["ab"])


def test_rows_are_written_and_digested_as_the_array_they_stand_for(tmp_path, rng, monkeypatch):
    monkeypatch.setattr("pellucid.lazy_array._BYTES", 100)
    x, chosen = rng.normal(size=(30, 5, 2)).astype(np.float32), rng.permutation(30)[:17]
    rows = LazyRows(x, chosen)
    files.write_array(tmp_path / "array.npy", x[chosen])
    files.write_array(tmp_path / "rows.npy", rows)
    files.write_arrays(tmp_path / "array.npz", {"a": x[chosen] > 0, "b": np.arange(3)})
    files.write_arrays(tmp_path / "rows.npz", {"a": LazyRows(x > 0, chosen), "b": np.arange(3)})
    for suffix in ("npy", "npz"):
        assert (tmp_path / f"rows.{suffix}").read_bytes() == (tmp_path / f"array.{suffix}").read_bytes()
    assert files.digest({"x": rows}) == files.digest({"x": x[chosen]})


def test_arrays_of_an_archive_are_mapped_where_they_are_stored_plainly(tmp_path, rng):
    arrays = {
        "x": rng.normal(size=(4, 3)),
        "f": np.asfortranarray(rng.random((5, 2))),
        "empty": np.empty((0, 3), np.float32),
        "truth": rng.random(9) > 0.5,
    }
    files.write_arrays(tmp_path / "ours.npz", arrays)
    np.savez(tmp_path / "numpys.npz", **arrays)
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    for name in ("ours", "numpys"):
        found = files.map_arrays(tmp_path / f"{name}.npz")
        assert isinstance(found["x"], np.memmap)
        for key, array in arrays.items():
            assert found[key].dtype == array.dtype
            np.testing.assert_array_equal(found[key], array)
    assert files.map_arrays(tmp_path / "packed.npz") == {}


@pytest.mark.parametrize("content", [b"", b"PK no archive", None])
def test_a_file_that_is_no_archive_of_arrays_is_not_mapped(tmp_path, content):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([{}], object)) if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=r"a.npz: found a file that cannot be read .*archive of plain arrays"):
        files.map_arrays(path)
