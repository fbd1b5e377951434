"""Checkpoints in S3: what is uploaded in which order and how often, and that a store that fails ends no training."""

import hashlib
import json
from pathlib import Path

import pytest

from pellucid.errors import InputError
from pellucid.train import checkpoint_store
from pellucid.train.checkpoint_store import CheckpointStore, remove

ADDRESS = "s3://bucket/project/results/digits/checkpoints"


class Client:
    """A bucket in memory that speaks as boto3's client does; each transfer takes `seconds` of the clock."""

    def __init__(self):
        self.objects, self.written, self.clock, self.seconds, self.broken = {}, [], 1000.0, 0.0, False

    def _pass(self):
        self.clock += self.seconds
        if self.broken:
            raise OSError("no route to the bucket")

    def upload_file(self, path, bucket, key):
        self._pass()
        self.objects[key] = Path(path).read_bytes()
        self.written.append(key.rpartition("/")[2])

    def download_file(self, bucket, key, path):
        self._pass()
        Path(path).write_bytes(self.objects[key])

    def delete_object(self, Bucket, Key):  # noqa: N803
        del self.objects[Key]

    def get_paginator(self, name):
        assert name == "list_objects_v2"
        return self

    def paginate(self, Bucket, Prefix):  # noqa: N803
        self._pass()
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        return [{"Contents": [{"Key": key} for key in keys[:2]]}, {"Contents": [{"Key": key} for key in keys[2:]]}]


@pytest.fixture
def client(monkeypatch):
    client = Client()
    monkeypatch.setattr(checkpoint_store, "_client", lambda: client)
    monkeypatch.setattr(checkpoint_store.time, "monotonic", lambda: client.clock)
    return client


def checkpoint(folder, epoch, best=None):
    """Write a checkpoint; return the digests of its model files."""
    folder.mkdir(exist_ok=True)
    names = {f"last-{epoch:05}.keras", f"best-{best or epoch:05}.keras"}
    digests = {}
    for name in names:
        (folder / name).write_bytes(f"weights of {name}".encode())
        digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "progress.json").write_text(json.dumps({"epoch": epoch, "digests": digests}))
    return digests


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_machine_gets_what_was_kept(client, tmp_path):
    CheckpointStore(ADDRESS, "key").keep(tmp_path / "a", checkpoint(tmp_path / "a", 3, best=2), last=False)
    CheckpointStore(ADDRESS, "key").fetch(tmp_path / "b")
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    # What says that a checkpoint is whole comes last.
    assert client.written[-1] == "progress.json"
    assert set(client.objects) == {f"project/results/digits/checkpoints/key/{name}" for name in client.written}


def test_a_training_with_other_settings_finds_nothing(client, tmp_path):
    CheckpointStore(ADDRESS, "key").keep(tmp_path / "a", checkpoint(tmp_path / "a", 3), last=False)
    CheckpointStore(ADDRESS, "key2").fetch(tmp_path / "b")
    CheckpointStore(ADDRESS, "ke").fetch(tmp_path / "b")
    assert contents(tmp_path / "b") == {}


def test_a_checkpoint_that_is_here_is_kept(client, tmp_path):
    CheckpointStore(ADDRESS, "key").keep(tmp_path / "a", checkpoint(tmp_path / "a", 3), last=False)
    checkpoint(tmp_path / "b", 7)
    before = contents(tmp_path / "b")
    CheckpointStore(ADDRESS, "key").fetch(tmp_path / "b")
    assert contents(tmp_path / "b") == before


def test_files_of_earlier_epochs_are_removed_and_those_in_use_are_not_uploaded_again(client, tmp_path):
    store = CheckpointStore(ADDRESS, "key")
    store.keep(tmp_path / "a", checkpoint(tmp_path / "a", 2), last=False)
    client.written.clear()
    digests = checkpoint(tmp_path / "a", 3, best=2)
    store.keep(tmp_path / "a", digests, last=False)
    assert client.written == [digests["last-00003.keras"], "progress.json"]
    assert len(client.objects) == 3
    assert remove(ADDRESS) == 3
    assert client.objects == {}


def test_uploads_take_at_most_a_twentieth_of_the_time(client, tmp_path):
    store, client.seconds, epochs = CheckpointStore(ADDRESS, "key"), 1.0, 2000
    uploading = 0.0
    for epoch in range(1, epochs + 1):
        client.clock += 2.0
        begin = client.clock
        store.keep(tmp_path / "a", checkpoint(tmp_path / "a", epoch), last=False)
        uploading += client.clock - begin
    assert 0.03 * client.clock < uploading < 0.05 * client.clock
    # The last one does not wait.
    uploads = client.written.count("progress.json")
    store.keep(tmp_path / "a", checkpoint(tmp_path / "a", epochs + 1), last=True)
    assert client.written.count("progress.json") == uploads + 1


def test_a_store_that_fails_ends_no_training_and_leaves_no_half_checkpoint(client, tmp_path, caplog):
    store, digests = CheckpointStore(ADDRESS, "key"), checkpoint(tmp_path / "a", 3)
    store.keep(tmp_path / "a", digests, last=False)
    client.broken = True
    store.keep(tmp_path / "a", checkpoint(tmp_path / "a", 4), last=True)
    assert "cannot be kept" in caplog.text
    assert "no route to the bucket" in caplog.text
    client.broken = False
    # A model file was lost: progress.json alone is no checkpoint.
    del client.objects[f"project/results/digits/checkpoints/key/{digests['last-00003.keras']}"]
    CheckpointStore(ADDRESS, "key").fetch(tmp_path / "b")
    assert "cannot be fetched" in caplog.text
    assert not (tmp_path / "b" / "progress.json").exists()


@pytest.mark.parametrize("address", ["gs://bucket/folder", "results/digits/checkpoints", "s3:///folder"])
def test_other_addresses_are_refused(client, address):
    with pytest.raises(InputError, match="expected an address such as s3://bucket/folder"):
        CheckpointStore(address, "key")


def test_settings_are_those_of_the_plugin_for_s3(monkeypatch):
    pytest.importorskip("boto3")
    plugin = pytest.importorskip("snakemake_storage_plugin_s3")
    fields = {f"SNAKEMAKE_STORAGE_S3_{name.upper()}" for name in plugin.StorageProviderSettings.__dataclass_fields__}
    assert set(checkpoint_store._SETTINGS.values()) <= fields
    monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_REGION", "eu-test-1")
    client = checkpoint_store._client()
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:9", "eu-test-1")
