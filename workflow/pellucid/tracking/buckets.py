"""A bucket of S3 as the place of the files of runs: whether it can be used, and why not, in one line."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from pellucid.errors import InputError
from pellucid.tracking import drivers
from pellucid.tracking.faults import AFTERWARDS, in_one_line

_PACKAGES = ("boto3", "botocore", "s3transfer")
_KEYS = (
    "Give the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or in a profile of "
    "~/.aws; for a server of your own also its address in MLFLOW_S3_ENDPOINT_URL."
)
_OF_KEYS = ("credentials", "AccessKey", "Signature", "AccessDenied", "Forbidden", "ExpiredToken", "InvalidToken")


def require(artifacts: str) -> None:
    """Ask once whether the bucket is there, before anything is recorded.

    If a key may write but not list, the bucket answers with 403; then the first file shows whether it can be used.

    Raises:
        InputError: there is no such bucket, no key, or no answer.
    """
    drivers.require_s3(artifacts)
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    settings = Config(connect_timeout=10, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        # A session of its own: the default one keeps the keys that it saw first.
        client = boto3.Session().client("s3", endpoint_url=os.environ.get("MLFLOW_S3_ENDPOINT_URL"), config=settings)
        client.head_bucket(Bucket=urlsplit(artifacts).netloc)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            raise InputError.unexpected(
                "tracking.artifacts", f"no bucket {urlsplit(artifacts).netloc}", "one", f"Make it first. {AFTERWARDS}"
            ) from None
        if status != 403:
            raise fault(error, artifacts) from None
    except (BotoCoreError, ValueError) as error:
        raise fault(error, artifacts) from None


def is_of_s3(error: BaseException) -> bool:
    """Return whether an error comes from the packages that write to S3: they have no class in common."""
    return any(kind.__module__.partition(".")[0] in _PACKAGES for kind in type(error).__mro__)


def fault(error: BaseException, artifacts: str) -> InputError:
    """Return the message for an error of S3."""
    text = in_one_line(error)
    hint = _KEYS if any(word in text or word in type(error).__name__ for word in _OF_KEYS) else AFTERWARDS
    return InputError.unexpected(
        "tracking.artifacts", f"{artifacts or 'S3'}, which failed ({text})", "a bucket that can be written", hint
    )
