"""Read a list of SHA-256 checksums as PhysioNet publishes it beside the files of a database."""

from __future__ import annotations

from pellucid.errors import InputError


def parsed(content: bytes, where: str) -> dict[str, str]:
    """Return the SHA-256 of each file, in lower case, by the name under which the list holds it.

    Args:
        content: lines of a checksum, blanks and a file's name, which a * may precede, as sha256sum writes them.
        where: the file, for messages.

    Raises:
        InputError: the content is no text.
    """
    try:
        lines = [line.split(maxsplit=1) for line in content.decode("utf-8").splitlines()]
    except UnicodeDecodeError:
        found = "bytes that are no text"
        raise InputError.unexpected(where, found, "lines of a SHA-256 and a file's name") from None
    return {line[1].strip().removeprefix("*"): line[0].lower() for line in lines if len(line) == 2}
