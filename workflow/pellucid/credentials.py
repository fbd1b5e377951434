"""Passwords in addresses: refused before any job is planned, and never repeated in a message."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

# A password may hold a / that should have been written as %2F: then what follows the : is no port.
_OWNER = r"(?:[^\s/?#\"']*@|[^\s/?#\"'\[:@]*:(?!\d*(?:[/?#]|$))[^\s\"']*@)"
# One slash too few or too many is no reason to show a password.
_ADDRESS = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]+):/{{1,3}}(?P<owner>{_OWNER})", re.IGNORECASE)
_WEB = ("http", "https", "ftp", "ftps")
_SECRET = (
    r"(?:[\w.-]*(?:password|passwd|passphrase|secret|signature|credential|token|api[_-]?key|private[_-]?key|jwt)[\w.-]*"
    r"|pwd|pw|pass|sig|sas|key|auth|authori[sz]ation|bearer)"
)
_IN_QUERY = re.compile(rf":/[^\s]*[?&;#]{_SECRET}=[^&;#\s]", re.IGNORECASE)
_OWNER_IN_TEXT = re.compile(rf"(:/{{1,3}}){_OWNER}", re.IGNORECASE)
_QUERY_IN_TEXT = re.compile(rf"([?&;#]{_SECRET}=)[^&;#\s\"')>]+", re.IGNORECASE)
# A header that a server repeats. The second word must look like a code: "Basic motions" is none.
_HEADER_IN_TEXT = re.compile(r"\b([Bb]asic|[Bb]earer) (?=\S*(?:[0-9=+/]|[a-z][A-Z]))[\w+/=.~-]{8,}")
_IN_ENVIRONMENT = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "PGPASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
_SHORTEST = 6  # letters of a password that is looked for in every text
HIDDEN = "***"


def masked(text: str) -> str:
    """Return a message with passwords and tokens hidden: those in addresses, and those of the environment."""
    for name in _IN_ENVIRONMENT:
        if len(password := os.environ.get(name, "")) >= _SHORTEST:
            text = text.replace(password, HIDDEN)
    text = _HEADER_IN_TEXT.sub(rf"\g<1> {HIDDEN}", text)
    return _QUERY_IN_TEXT.sub(rf"\g<1>{HIDDEN}", _OWNER_IN_TEXT.sub(rf"\g<1>{HIDDEN}@", text))


def faults(content: Any, where: str = "") -> list[str]:
    """Return a sentence for each address of the configuration that holds a password or a token."""
    return [
        f"{path or 'config.yaml'}: found an address with {what} in it, which would be written into logs and results; "
        f"expected the address without it. {_instead(address)}"
        for path, address in _texts(content, where)
        if (what := secret_of(address))
    ]


def secret_of(text: str) -> str:
    """Return the kind of secret in the addresses of a text: "a password", "a user name", …; empty if there is none."""
    for written in {text, unquote(text)}:
        for address in _ADDRESS.finditer(written):
            if ":" in address["owner"]:
                return "a password"
            # Web servers take a token as the user's name; databases have users without a password.
            if address["scheme"].lower() in _WEB:
                return "a user name"
        if _IN_QUERY.search(written):
            return "a password or a token"
    return ""


def _instead(address: str) -> str:
    if re.search(r"\b(?:https?|ftps?):", unquote(address), re.IGNORECASE):
        return (
            "Give user and password in ~/.netrc, or for an MLflow server in MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD (or MLFLOW_TRACKING_TOKEN). A file whose address needs a token: download it, and "
            "give its path."
        )
    return "Give the password where the database looks for it: PGPASSWORD or ~/.pgpass, or ~/.my.cnf."


def _texts(content: Any, where: str) -> Iterator[tuple[str, str]]:
    """Yield every text of the configuration with its dotted key."""
    if isinstance(content, str):
        yield where, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            # A key can be an address, too: it is named by the mapping that has it.
            yield where, str(key)
            named = HIDDEN if secret_of(str(key)) else key
            yield from _texts(value, f"{where}.{named}".lstrip("."))
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _texts(value, where)
