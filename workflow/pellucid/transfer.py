"""Transfer a file by HTTP, and refuse every answer that is not exactly the requested bytes."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests

logger = logging.getLogger(__name__)

_TIMEOUT = 30  # seconds without a byte
# Bytes. When a transfer breaks off, its last, incomplete block is lost.
_BLOCK = 2**10
# Room that a download leaves on the disk: a full disk stops every other job.
_SPARE = 2**28  # bytes
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class TransferRefusedError(Exception):
    """The server answered with something other than the file; another attempt would not help."""


def transfer(address: str, partial: Path, known: dict[str, str]) -> None:
    """Append the missing bytes of a file to `partial`, with a progress bar.

    Args:
        address: http(s)://…
        partial: gets the bytes, after those of an earlier attempt.
        known: gets the ETag, the server's mark of the file's version; without one the next attempt starts at byte 0.

    Raises:
        TransferRefusedError: the answer is another range or version of the file, compressed, without content, larger
            than the free space of the disk, or a redirection from https to http.
        requests.RequestException: no connection, an error status, or an answer that breaks off.
    """
    import requests
    from tqdm import tqdm

    with partial.open("ab") as file, requests.Session() as session:
        # Compressed, neither the bytes nor their number would be those of the file.
        headers = {"Accept-Encoding": "identity"}
        resumed = bool(known) and file.tell() > 0
        if resumed:
            headers |= {"Range": f"bytes={file.tell()}-", "If-Range": known["ETag"]}
        hooks = {"response": _check_redirect}
        with session.get(address, headers=headers, stream=True, timeout=_TIMEOUT, hooks=hooks) as answer:
            answer.raise_for_status()
            if answer.status_code == 206:
                _check_part(answer, file.tell() if resumed else None, known)
            elif answer.status_code == 200:
                file.seek(0)
                file.truncate()
            else:
                raise TransferRefusedError(f"status {answer.status_code} ({answer.reason}) instead of a file")
            if (packing := answer.headers.get("Content-Encoding", "identity")) != "identity":
                raise TransferRefusedError(f"a body packed with {packing}, which was not asked for")
            known.clear()
            # Weak marks (W/…) may be the same for files that differ.
            if (mark := answer.headers.get("ETag", "")).startswith('"'):
                known["ETag"] = mark
            announced = _announced(answer)
            _check_room(partial, announced or 0)
            with tqdm(
                total=None if announced is None else file.tell() + announced,
                initial=file.tell(),
                unit="B",
                unit_scale=True,
                desc=Path(urlsplit(address).path).name,
            ) as bar:
                _copy(answer, file, partial, bar, announced)


def _copy(answer: requests.Response, file: BinaryIO, partial: Path, bar: Any, announced: int | None) -> None:
    import requests

    begin = file.tell()
    for block in answer.iter_content(_BLOCK):
        if announced is None:
            _check_room(partial, len(block))
        file.write(block)
        bar.update(len(block))
    received = file.tell() - begin
    if announced is not None and received != announced:
        raise requests.ConnectionError(f"{received:,} bytes came of {announced:,} announced")


def _check_redirect(answer: requests.Response, **options: Any) -> None:
    """Refuse a redirection from https to http; log one to another host."""
    if not answer.is_redirect:
        return
    begin, end = urlsplit(answer.url), urlsplit(answer.headers["Location"])
    if end.scheme and end.scheme != begin.scheme and end.scheme != "https":
        raise TransferRefusedError(f"a redirection from {begin.scheme} to {end.scheme}")
    if end.hostname and end.hostname != begin.hostname:
        logger.info("%s sends the download on to %s", begin.hostname, end.hostname)


def _check_part(answer: requests.Response, begin: int | None, known: dict[str, str]) -> None:
    """Refuse a range that was not requested, or that belongs to another version of the file."""
    if begin is None:
        raise TransferRefusedError("a part of the file, where all of it was asked for")
    if (mark := answer.headers.get("ETag", known["ETag"])) != known["ETag"]:
        raise TransferRefusedError(f"a part of another state of the file (ETag {mark[:80]})")
    given = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if not given or int(given[1]) != begin or (given[3] != "*" and int(given[2]) != int(given[3]) - 1):
        found = answer.headers.get("Content-Range", "none")[:80]
        raise TransferRefusedError(f"Content-Range {found}, where the rest from byte {begin} on was asked for")


def _announced(answer: requests.Response) -> int | None:
    """Return the number of bytes that the answer announces; None if it announces none."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _check_room(partial: Path, size: int) -> None:
    """Refuse bytes that do not fit on the disk."""
    if size + _SPARE > (free := shutil.disk_usage(partial.parent).free):
        raise TransferRefusedError(f"{size:,} bytes, where the disk has {free:,} left")
