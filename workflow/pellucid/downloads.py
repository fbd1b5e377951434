"""Fetch the files of data sets and models, and check every file before it is used.

A plain path or a file:// address is used where it lies; an http(s):// address is downloaded once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pellucid import files
from pellucid.credentials import masked
from pellucid.errors import InputError
from pellucid.transfer import TransferRefusedError, transfer
from pellucid.user_text import in_file_name

RETRIES = 3
UNCHECKED = "none"
# Bytes that file systems take.
LONGEST_NAME = 255
LONGEST_PATH = 4095


def is_local(address: str, where: str = "address") -> bool:
    """Return whether `address` is a plain path or a file:// address.

    Raises:
        InputError: it is no address at all.
    """
    return _parts(address, where).scheme not in ("http", "https")


def require_place(address: str, where: str) -> None:
    """Refuse a path that no file can have, and an address that no server can have.

    Raises:
        InputError: a control character, a blank or no server in an address, or a path that is too long.
    """
    parts = _parts(address, where)
    if any(not letter.isprintable() for letter in address):
        raise InputError.unexpected(where, address, "a path or an address without line ends and control characters")
    if parts.scheme in ("http", "https"):
        if not parts.hostname or " " in address:
            raise InputError.unexpected(where, address, "an address with the name of a server and without blanks")
        return
    path = local_path(address, where)
    longest = max(len(os.fsencode(part)) for part in (*path.parts, "."))
    if longest > LONGEST_NAME or len(os.fsencode(path)) > LONGEST_PATH:
        found = f"a path of {len(os.fsencode(path)):,} bytes, of which one name has {longest:,}"
        raise InputError.unexpected(where, found, f"at most {LONGEST_PATH:,} bytes, and {LONGEST_NAME} a name")


def local_path(address: str, where: str = "address") -> Path:
    """Return the path that a plain path or a file:// address names.

    Raises:
        InputError: a scheme that is not supported, or a file:// address of another machine.
    """
    parts = _parts(address, where)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise InputError.unexpected(
                where, address, "file:///absolute/path", "A file on another machine cannot be read."
            )
        return Path(unquote(parts.path))
    if "://" in address:
        raise InputError.unexpected(
            where, address, "a path, or an address that begins with file://, http:// or https://"
        )
    try:
        return Path(address).expanduser()
    except RuntimeError:
        raise InputError.unexpected(
            where, address, "~ or ~user, of a user of this machine, or a path without ~"
        ) from None


def place(address: str) -> str:
    """Return the place of an address below the folder of downloads: a folder per address, and the file name."""
    name = in_file_name(PurePosixPath(unquote(_parts(address).path)).name) or "file"
    return f"{hashlib.sha256(address.encode()).hexdigest()[:12]}/{name}"


def _parts(address: str, where: str = "address") -> SplitResult:
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("", "file"):
            _ = parts.port  # which is read as a number only here
    except ValueError as error:
        raise InputError.unexpected(where, masked(address), f"an address ({error})") from None
    return parts


def checksums(entry: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the checksums that a `dataset` or `model` entry states for the file `name`, for `check` and `fetch`."""
    return {kind: entry.get(f"{name}_{kind}", UNCHECKED) for kind in ("sha256", "md5")}


def check(path: Path | str, sha256: str, name: str = "", *, md5: str = UNCHECKED) -> str:
    """Compare a file with its checksums; return its SHA-256, in hexadecimal.

    Args:
        path: the file.
        sha256: the expected SHA-256; "none" accepts any.
        name: what to call the file in a message; its path by default.
        md5: the expected MD5, for files whose publisher states no SHA-256; "none" accepts any.

    Raises:
        InputError: another checksum, or no readable file: a folder, a pipe, a device.
    """
    actual = _sha256(Path(path), name or str(path))
    for kind, wanted in (("SHA-256", sha256), ("MD5", md5)):
        # An MD5 costs one more reading of the file: only where it is asked for.
        if wanted != UNCHECKED and (measured := actual if kind == "SHA-256" else files.md5(path)) != wanted.lower():
            raise InputError.unexpected(
                name or str(path),
                f"a file of {Path(path).stat().st_size:,} bytes with {kind} {measured}",
                f"{kind} {wanted.lower()}",
                "If this file is the one you want, put its checksum (or none) into the config.",
            )
    return actual


def _sha256(path: Path, name: str) -> str:
    try:
        # A pipe or a device may have no end.
        if not path.is_file():
            found = "a folder" if path.is_dir() else "no plain file" if os.path.lexists(path) else "no file"
            raise InputError.unexpected(name, found, "a file")
        return files.sha256(path)
    except OSError as error:
        raise InputError.unexpected(
            name, f"a file that cannot be read ({error.strerror})", "one that can be read"
        ) from None


def fetch(address: str, sha256: str, target: Path | str, *, md5: str = UNCHECKED) -> None:
    """Download a file with a progress bar and retries, check it, and move it to `target`; copy a local file.

    A retry continues where the last attempt broke off, if the server supports it and its file has not changed.

    Args:
        address: http(s)://…, or a local path.
        sha256: the expected SHA-256, in hexadecimal; "none" accepts any.
        md5: the expected MD5; likewise.
        target: the file to write; after a failure nothing is left there or beside it.

    Raises:
        InputError: no connection, a refusal, a broken transfer, an answer that is not the file (`transfer.transfer`),
            or another checksum.
    """
    import requests

    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = files.temporary(target)
    known: dict[str, str] = {}
    try:
        for attempt in range(1, RETRIES + 1):
            try:
                if is_local(address):
                    shutil.copyfile(local_path(address), partial)
                else:
                    transfer(address, partial, known)
                break
            except requests.HTTPError as error:
                # A refusal (403, 404) stays one; a server in trouble may recover.
                if attempt == RETRIES or error.response.status_code < 500:
                    raise
            except (requests.RequestException, OSError):
                if attempt == RETRIES:
                    raise
        check(partial, sha256, masked(address), md5=md5)
        os.replace(partial, target)
    except (requests.RequestException, TransferRefusedError) as error:
        # The error may hold the address of a redirection, with a token in it.
        reason = masked(str(error))
        if "NameResolutionError" in reason:
            reason = f"the server {urlsplit(address).hostname} cannot be reached: no such name, or no network"
        hint = "Without a network, write the path of a copy of the file in place of the address."
        raise InputError.unexpected(
            masked(address),
            f"no download ({reason})",
            "an address that answers with the file",
            hint if isinstance(error, requests.ConnectionError) else "",
        ) from None
    except OSError as error:
        raise InputError.unexpected(
            str(target), f"a file that cannot be written ({error})", "a folder with room for it"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
