"""Checkpoints in S3, so that a training goes on on another machine where no file system is shared.

A killed job leaves nothing except what it has uploaded. The objects of a training lie below `<store>/<key of the
training>/`: each model file under its SHA-256, and `progress.json`, which says by their SHA-256 which of them are in
use. It is written last, so that it never names an incomplete object.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pellucid import files
from pellucid.errors import InputError
from pellucid.messages import first_line

logger = logging.getLogger(__name__)

PROGRESS = "progress.json"
# Uploads take at most this share of a training's time: after one of 5 seconds the next one begins 100 seconds later.
_SHARE = 0.05
# What Snakemake's plugin for S3 reads, and gives to its jobs.
_SETTINGS = {
    "endpoint_url": "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL",
    "region_name": "SNAKEMAKE_STORAGE_S3_REGION",
    "aws_access_key_id": "SNAKEMAKE_STORAGE_S3_ACCESS_KEY",
    "aws_secret_access_key": "SNAKEMAKE_STORAGE_S3_SECRET_KEY",
    "aws_session_token": "SNAKEMAKE_STORAGE_S3_TOKEN",
}


class CheckpointStore:
    """The checkpoints of one training in S3. No failure of the store ends a training: it is a warning in its log."""

    def __init__(self, address: str, key: str) -> None:
        """Keep the checkpoints of a training.

        Args:
            address: such as "s3://bucket/results/digits/checkpoints".
            key: of the training, see `train.run`.

        Raises:
            InputError: the address is not one of S3, or boto3 is not installed.
        """
        self.address, self.bucket, self.prefix = address, *_parts(address)
        self.prefix = f"{self.prefix}/{key}"
        self._client = _client()
        self._uploaded: set[str] = set()
        self._next = 0.0

    def fetch(self, folder: Path) -> None:
        """Write the checkpoint into a folder that has none; write nothing if the store has none either."""
        if (folder / PROGRESS).exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if PROGRESS not in set(self._names()):
                return
            # Under another name until all is there: it says that a folder holds a whole checkpoint.
            arriving = folder / f"{PROGRESS}.arriving"
            self._download(PROGRESS, arriving)
            for name, digest in files.read_json(arriving)["digests"].items():
                self._download(digest, folder / Path(name).name)
                self._uploaded.add(digest)
            os.replace(arriving, folder / PROGRESS)
        except Exception as error:  # boto3, the network, damaged JSON: each means the same, begin anew
            logger.warning(
                "the checkpoint in %s cannot be fetched and is not used: %s", self.address, first_line(error)
            )

    def keep(self, folder: Path, digests: dict[str, str], *, last: bool) -> None:
        """Upload the checkpoint, unless the last upload was too short a time ago.

        Args:
            folder: of the checkpoint.
            digests: SHA-256 of the model files in use, by name.
            last: whether the training has ended: this checkpoint is uploaded in any case, since the outputs of the job
                are stored only when it has ended as a whole.
        """
        begin = time.monotonic()
        if begin < self._next and not last:
            return
        try:
            for name, digest in digests.items():
                if digest not in self._uploaded:
                    self._client.upload_file(str(folder / name), self.bucket, f"{self.prefix}/{digest}")
                    self._uploaded.add(digest)
            self._client.upload_file(str(folder / PROGRESS), self.bucket, f"{self.prefix}/{PROGRESS}")
            self._delete(name for name in self._names() if name not in {PROGRESS, *digests.values()})
            self._uploaded &= set(digests.values())
        except Exception as error:  # boto3 and the network raise many kinds; the training needs none of them
            logger.warning(
                "the checkpoint cannot be kept in %s, so a killed training would start from the beginning: %s",
                self.address,
                first_line(error),
            )
        self._next = time.monotonic() + (time.monotonic() - begin) / _SHARE

    def _names(self) -> Iterator[str]:
        for key in _keys(self._client, self.bucket, self.prefix):
            yield key.removeprefix(self.prefix + "/")

    def _download(self, name: str, path: Path) -> None:
        self._client.download_file(self.bucket, f"{self.prefix}/{name}", str(path))

    def _delete(self, names: Iterator[str]) -> None:
        for name in list(names):
            self._client.delete_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}")


def remove(address: str) -> int:
    """Remove all checkpoints below an address; return the number of objects.

    Raises:
        InputError: the address is not one of S3, or boto3 is not installed.
    """
    bucket, prefix = _parts(address)
    client = _client()
    keys = list(_keys(client, bucket, prefix))
    for key in keys:
        client.delete_object(Bucket=bucket, Key=key)
    return len(keys)


def _keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + "/"):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def _parts(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc:
        raise InputError.unexpected("checkpoint_store", address, "an address such as s3://bucket/folder")
    return parts.netloc, parts.path.strip("/")


def _client() -> Any:
    """Return a client with the settings of Snakemake's plugin for S3; boto3 finds the settings that are missing."""
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError:
        raise InputError.unexpected(
            "checkpoint_store",
            "no package that can reach S3",
            "boto3",
            'Install it: pip install "pellucid[kubernetes]"',
        ) from None
    given = {name: os.environ[variable] for name, variable in _SETTINGS.items() if os.environ.get(variable)}
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"total_max_attempts": 3},
        # Servers other than Amazon's do not know the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.Session().client("s3", config=config, **given)
