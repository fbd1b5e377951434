"""The download rule: from an address to arrays, and nothing left of a file that is not the right one."""

import numpy as np
import pytest

from pellucid import files
from tests.support import tiny
from tests.support.servers import serving


@pytest.fixture
def address(tmp_path):
    """A small archive in MNIST's layout, served by this machine."""
    served = tmp_path / "served"
    served.mkdir()
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 28, 28), np.uint8), np.arange(60) % 10
    np.savez(served / "mnist.npz", x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
    with serving(served) as root:
        yield f"{root}/mnist.npz", files.sha256(served / "mnist.npz")


def configure(folder, address, sha256):
    dataset = {"source": "mnist", "file": address, "file_sha256": sha256}
    experiment = {"dataset": dataset, "model": {"architecture": "digit_cnn"}}
    tiny.write_config(folder, {"run": ["mnist"], "experiments": {"mnist": experiment}})


def test_a_wrong_file_is_refused_and_the_right_one_is_used(tmp_path, address):
    folder = tmp_path / "project"
    folder.mkdir()
    where, digest = address
    data_info = "results/mnist/data/data.json"

    configure(folder, where, "0" * 64)
    refused = tiny.snakemake(folder, "--cores", "2", data_info)
    assert refused.returncode != 0
    for part in (where, digest, "0" * 64):
        assert part in refused.stderr
    assert "Traceback" not in refused.stderr
    left = [
        path
        for path in folder.glob("results/downloads/**/*")
        if path.is_file() and path.suffix not in (".log", ".lock")
    ]
    assert not left
    assert not (folder / data_info).exists()

    configure(folder, where, digest)
    tiny.build(folder, data_info)
    assert files.read_json(folder / data_info)["files"]["file"] == {"path": where, "sha256": digest}
    assert np.load(folder / "results/mnist/data/x_test.npy").shape == (60, 28, 28, 1)

    # A file that is there is not fetched again: another seed splits anew what was downloaded once.
    planned = tiny.snakemake(folder, "--dry-run", "--forcerun", "preprocess", data_info)
    assert "Download" not in planned.stdout + planned.stderr
