"""The servers of a team for tests: PostgreSQL, MLflow with passwords, S3, and a proxy that counts and delays requests."""

from __future__ import annotations

import configparser
import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest
import requests

from tests.support.servers import closed_port

USER, PASSWORD = "team", "not-a-secret-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "not-a-secret-2", "AWS_DEFAULT_REGION": "us-east-1"}
BUCKET = "records"


def require(*modules: str) -> None:
    """Skip the test where a package is missing that only these tests need."""
    if missing := [name for name in modules if not find_spec(name)]:
        pytest.skip(f"{', '.join(missing)} not installed: make peers")


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], output: Path, user: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the context, and with the process of the tests."""
    with output.open("ab") as file:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "INT", *command] if user is None else [*command],
            env={**os.environ, **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
            user=user,
            cwd=output.parent,
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with suppress(requests.RequestException):
            requests.get(address, timeout=2)
            return
        assert process.poll() is None and time.monotonic() < deadline, output.read_text()[-2000:]
        time.sleep(0.2)


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a database `records` of the user `team`, whose password PostgreSQL asks for."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not folders:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql): no database to record in")
    bin_folder = folders[-1].parent
    # PostgreSQL refuses to run as root.
    owner = None if os.geteuid() else pwd.getpwnam("nobody").pw_uid
    with tempfile.TemporaryDirectory(prefix="postgres", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text(PASSWORD)
        if owner is not None:
            for path in (folder, password):
                os.chown(path, owner, -1)
        command = [str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", USER, "--pwfile", str(password)]
        command += ["--auth", "scram-sha-256", "--no-sync", "--encoding", "UTF8", "--locale", "C"]
        done = subprocess.run(command, user=owner, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        port, output = closed_port(), folder / "postgres.out"
        output.touch()
        command = [str(bin_folder / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1"]
        # SIGTERM waits for clients; nothing here needs to be saved.
        command += ["-k", str(folder), "-c", "fsync=off", "-c", "synchronous_commit=off"]
        with running(command, {}, output, owner) as process:
            create = [str(bin_folder / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", USER, BUCKET]
            environment = {**os.environ, "PGPASSWORD": PASSWORD}
            for _ in range(100):
                if subprocess.run(create, env=environment, capture_output=True, check=False).returncode == 0:
                    break
                assert process.poll() is None, output.read_text()
                time.sleep(0.1)
            yield f"postgresql://{USER}@127.0.0.1:{port}/{BUCKET}"
            process.send_signal(3)  # SIGQUIT: at once
            process.wait(20)


@contextmanager
def s3() -> Iterator[str]:
    """The address of an S3 server with the bucket `records`."""
    require("moto", "boto3", "flask", "flask_cors")
    with tempfile.TemporaryDirectory(prefix="s3") as name:
        port, output = closed_port(), Path(name) / "moto.out"
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        with running(command, KEYS, output) as process:
            address = f"http://127.0.0.1:{port}"
            wait_for(address, process, output)
            requests.put(f"{address}/{BUCKET}", timeout=10).raise_for_status()
            yield address


@contextmanager
def mlflow_server(database: str, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of an MLflow server that asks for a password, on a database that may be PostgreSQL."""
    require("flask_wtf")
    with tempfile.TemporaryDirectory(prefix="mlflow") as name:
        folder, port = Path(name), closed_port()
        settings = configparser.ConfigParser()
        settings["mlflow"] = {
            "default_permission": "READ",
            "database_uri": f"sqlite:///{folder}/users.db",
            "admin_username": USER,
            "admin_password": PASSWORD,
            "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
            # Hashing a password takes 50 ms: longer than everything else that a request does.
            "auth_cache_ttl_seconds": "600",
        }
        with (folder / "auth.ini").open("w") as file:
            settings.write(file)
        command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", database]
        command += ["--artifacts-destination", str(folder / "artifacts"), "--uvicorn-opts", "--log-level warning"]
        variables = {
            **environment,
            "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        output = folder / "server.out"
        with running(command, variables, output) as process:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/health", process, output)
            yield address


class Proxy:
    """Hands requests on to a server, and counts them.

    Attributes:
        address: of the proxy.
        asked: "POST runs/create" and the like, with how often.
        delay: seconds before each answer.
        ends_after: requests after which it breaks every connection, as a server does that dies.
    """

    def __init__(self, server: str) -> None:
        self.server, self.asked, self.delay, self.ends_after = server, Counter[str](), 0.0, None
        self.address = ""

    @property
    def count(self) -> int:
        return sum(self.asked.values())

    def begin(self, delay: float = 0.0, ends_after: int | None = None) -> None:
        self.asked.clear()
        self.delay, self.ends_after = delay, ends_after


@contextmanager
def counting(server: str) -> Iterator[Proxy]:
    """A proxy before a server."""
    proxy = Proxy(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            path = self.path.partition("?")[0].partition("/mlflow/")[2] or self.path.partition("?")[0]
            proxy.asked[f"{self.command} {path}"] += 1
            if proxy.ends_after is not None and proxy.count > proxy.ends_after:
                self.close_connection = True
                self.connection.close()
                return
            time.sleep(proxy.delay)
            body = self._body()
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "transfer-encoding")}
            answer = requests.request(
                self.command,
                proxy.server + self.path,
                data=body,
                headers=headers,
                timeout=60,
                allow_redirects=False,
                stream=True,
            )
            content = answer.raw.read(decode_content=False)
            self.send_response(answer.status_code)
            for key, value in answer.headers.items():
                if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(key, value)
            length = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = forward  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        thread = Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        proxy.address = f"http://127.0.0.1:{httpd.server_port}"
        try:
            yield proxy
        finally:
            httpd.shutdown()
            thread.join()
