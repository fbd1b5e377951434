"""Servers of this machine for tests: one for a folder's files, and a port at which there is none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


@contextmanager
def serving(folder: Path, asked: list[str] | None = None) -> Iterator[str]:
    """The address, without a slash at its end, of a server of a folder's files; `asked` gets each path asked for."""

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *arguments: object) -> None:
            if asked is not None:
                asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port of this machine at which nothing listens."""
    with socket.socket() as model:
        model.bind(("127.0.0.1", 0))
        port: int = model.getsockname()[1]
        return port
