"""Fetching a data set's files, and checking every file before it is used.

A plain path or a file:// address is used where it lies; an http(s):// address is downloaded once.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pellucid import files
from pellucid.errors import InputError

RETRIES = 3
UNCHECKED = "none"
_TIMEOUT = 30  # seconds without a byte


def is_local(address: str) -> bool:
    """Whether `address` is a plain path or a file:// address."""
    return urlsplit(address).scheme not in ("http", "https")


def local_path(address: str, where: str = "address") -> Path:
    """The path that a plain path or a file:// address names.

    Raises:
        InputError: a scheme that is not supported, or a file:// address of another machine.
    """
    parts = urlsplit(address)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise InputError(where, address, "file:///absolute/path", "A file on another machine cannot be read.")
        return Path(unquote(parts.path))
    if "://" in address:
        raise InputError(where, address, "a path, or an address that begins with file://, http:// or https://")
    return Path(address).expanduser()


def place(address: str) -> str:
    """Where the file of an address lies, below the folder of downloads: one folder per address, and the file's name."""
    name = PurePosixPath(unquote(urlsplit(address).path)).name or "file"
    return f"{hashlib.sha256(address.encode()).hexdigest()[:12]}/{name}"


def check(path: Path | str, sha256: str, name: str = "") -> str:
    """The SHA-256 of a file, in hexadecimal.

    Args:
        path: the file.
        sha256: what it must be; "none" accepts any.
        name: what to call the file in a message; its path by default.

    Raises:
        InputError: it is another one.
    """
    found = files.sha256(path)
    if sha256 != UNCHECKED and found != sha256.lower():
        raise InputError(
            name or str(path),
            f"a file of {Path(path).stat().st_size:,} bytes with SHA-256 {found}",
            f"SHA-256 {sha256.lower()}",
            "If this other file is the one you want, put its checksum (or none) into the config.",
        )
    return found


def fetch(address: str, sha256: str, target: Path | str) -> None:
    """Download a file with a progress bar and retries, check it, and move it to `target`.

    Args:
        address: http(s)://…
        sha256: what the file must have, in hexadecimal; "none" accepts any.
        target: where it shall be; nothing is left there, or beside it, when anything fails.

    Raises:
        InputError: no connection, a refusal, a broken transfer, or another checksum.
    """
    import pooch
    import requests

    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        for attempt in range(1, RETRIES + 1):
            try:
                pooch.HTTPDownloader(progressbar=True, timeout=_TIMEOUT)(address, str(partial), None)
                break
            except requests.HTTPError as error:
                # A refusal (403, 404) stays one; a server in trouble may recover.
                if attempt == RETRIES or error.response.status_code < 500:
                    raise
            except (requests.RequestException, OSError):
                if attempt == RETRIES:
                    raise
        check(partial, sha256, address)
        os.replace(partial, target)
    except requests.RequestException as error:
        raise InputError(address, f"no download ({error})", "an address that answers with the file") from None
    except OSError as error:
        raise InputError(str(target), f"a file that cannot be written ({error})", "a folder with room for it") from None
    finally:
        partial.unlink(missing_ok=True)
