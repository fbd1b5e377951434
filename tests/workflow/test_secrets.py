"""A password reaches nothing that a run leaves, however it is given: in an address, or as the guide says."""

from __future__ import annotations

import base64
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

from tests.support import tiny
from tests.support.servers import closed_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PASSWORD = "hunter2+secret/word"
BASIC = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
# In base64 a text looks in three ways, by where it begins.
FORMS = {PASSWORD.encode(), quote(PASSWORD, safe="").encode(), quote(PASSWORD).encode()} | {
    base64.b64encode(b" " * before + PASSWORD.encode())[4 if before else 0 : -4] for before in range(3)
}
DIGITS = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}
ADDRESS = f"https://me:{quote(PASSWORD, safe='')}@localhost:1/a.csv"


def leaks(folder: Path, *given: Path) -> list[Path]:
    """The files that hold the password, but for those in which the user gave it."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path not in given)
    return [path for path in paths if any(form in path.read_bytes() for form in FORMS)]


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        ({}, ["--config", f"tracking={{uri: '{ADDRESS}'}}"]),
        ({}, ["--config", f"experiments={{a: {{title: 'see {ADDRESS}'}}}}"]),
        ({"title": f"Data of {ADDRESS}"}, []),
        ({"sweep": {"dataset.file": [ADDRESS, "b.csv"]}}, []),
        ({"dataset": {"source": "table", "file": quote(ADDRESS, safe="")}}, []),
        ({"dataset": {"source": "table", "file": "a.csv", "class_names": {ADDRESS: "x"}}}, []),
        ({"model": {"architecture": "vgg16", "weights": f"https://h/w.h5#token={PASSWORD}"}}, []),
        ({"model": {"architecture": "digit_cnn", "password": PASSWORD}}, []),
    ],
)
def test_a_plan_with_a_password_is_refused_and_leaves_nothing(
    tmp_path: Path, content: dict[str, Any], arguments: list[str]
) -> None:
    config = tiny.write_config(tmp_path, {"run": ["a"], "experiments": {"a": {**DIGITS, **content}}})
    said = tiny.snakemake(tmp_path, "--cores", "1", *arguments)
    assert said.returncode != 0
    assert "Traceback" not in said.stderr
    assert not [form for form in FORMS if form in (said.stdout + said.stderr).encode()]
    assert leaks(tmp_path, config) == []


class Guard(BaseHTTPRequestHandler):
    """Asks for the password; sends downloads on to an address with a token, and all else to MLflow."""

    protocol_version = "HTTP/1.1"
    files: Path
    upstream: str
    paths: set[str]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if self.path.endswith(f"?token={quote(PASSWORD, safe='')}"):
            self._send(*((200, (self.files / path[1:]).read_bytes()) if "forbidden" not in path else (403, b"no")))
        elif self.headers.get("Authorization") != BASIC and path != "/health":
            self._send(401, f"You sent {self.headers.get('Authorization')}".encode())
        elif path.startswith("/served/"):
            self.paths.add(path)
            self.send_response(302)
            self.send_header("Location", f"{path}?token={quote(PASSWORD, safe='')}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            kept = {name: value for name, value in self.headers.items() if name in ("Content-Type", "Accept")}
            asked = urllib.request.Request(self.upstream + self.path, body or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(asked) as answer:
                    self._send(answer.status, answer.read(), answer.headers.get("Content-Type", ""))
            except urllib.error.HTTPError as error:
                self._send(error.code, error.read(), error.headers.get("Content-Type", ""))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _send(self, status: int, body: bytes, kind: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def guarded(folder: Path) -> Iterator[int]:
    """The port of a server that asks for the password, with an MLflow server behind it."""
    port, store = closed_port(), folder / "mlflow"
    store.mkdir()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{store}/a.db", "--artifacts-destination", str(store / "artifacts")]
    Guard.files, Guard.upstream, Guard.paths = folder, f"http://127.0.0.1:{port}", set()
    with (
        pytest.MonkeyPatch.context() as patch,
        ThreadingHTTPServer(("127.0.0.1", 0), Guard) as server,
    ):
        patch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
        with tiny.started(command, folder, folder / "server.log"):
            end = time.monotonic() + 120
            while time.monotonic() < end:
                try:
                    urllib.request.urlopen(f"{Guard.upstream}/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.5)
            Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_port
            server.shutdown()


def test_a_run_with_passwords_from_the_environment_and_netrc_leaves_none(
    keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, served = tmp_path / "project", tmp_path / "served"
    folder.mkdir()
    served.mkdir()
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(60, 30)).round(3)).add_prefix("s")
    table["label"] = ["a", "b", "c"] * 20
    table.to_csv(served / "table.csv", index=False)
    shutil.copy(served / "table.csv", served / "forbidden.csv")
    layers = [keras.layers.Input((30, 1)), keras.layers.Conv1D(4, 3), keras.layers.Flatten()]
    keras.Sequential([*layers, keras.layers.Dense(3, activation="softmax")]).save(served / "model.keras")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine localhost login me password {PASSWORD}\n")
    netrc.chmod(0o600)
    for name, value in {
        "NETRC": str(netrc),
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "PELLUCID_PASSWORD": PASSWORD,
        "NO_PROXY": "localhost,127.0.0.1",
        "HTTP_PROXY": f"http://me:{quote(PASSWORD, safe='')}@127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    with guarded(tmp_path) as port:

        def experiment(name: str) -> dict[str, Any]:
            return {
                "dataset": {"source": "table", "file": f"http://localhost:{port}/served/{name}.csv", "label": "label"},
                "model": {
                    "architecture": "keras_file",
                    "file": f"http://localhost:{port}/served/model.keras",
                    "features": ["conv"],
                },
                "training": {"epochs": 1},
                "examples": {"per_class": 1, "choose": "any"},
                "methods": {"saliency": {}},
                "scores": {},
                "views": {},
            }

        content = {
            "run": ["good", "refused"],
            "tracking": {"uri": f"http://127.0.0.1:{port}"},
            "experiments": {"good": experiment("table"), "refused": experiment("forbidden")},
        }
        tiny.write_config(folder, content)
        said = tiny.snakemake(folder, "--cores", "1", "results/good/tracking.json", "results/refused/data/data.json")
        assert (folder / "results" / "good" / "tracking.json").is_file(), said.stderr[-3000:]
        assert said.returncode != 0
        assert "403" in said.stderr
        assert "Traceback" not in said.stderr
        assert {"/served/table.csv", "/served/model.keras", "/served/forbidden.csv"} <= Guard.paths
        report = tiny.snakemake(folder, "--report", "report.html", "results/good/tracking.json")
        assert (folder / "report.html").is_file(), report.stderr
        # One more record with a password that is not right, which the server repeats.
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", f"{PASSWORD}!")
        wrong = tiny.snakemake(folder, "--cores", "1", "--forcerun", "track", "--", "results/good/tracking.json")
        assert wrong.returncode != 0
        assert "Traceback" not in wrong.stderr
    for done in (said, report, wrong):
        assert not [form for form in FORMS if form in (done.stdout + done.stderr).encode()]
    assert leaks(tmp_path, netrc) == []
    assert list((folder / ".snakemake").iterdir())
