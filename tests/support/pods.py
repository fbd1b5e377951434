"""A server that speaks as Kubernetes does with Snakemake's plugin, and runs each pod's command in an empty folder."""

from __future__ import annotations

import base64
import json
import re
import shlex
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from tests.support import fresh_node


class Pods:
    """What was asked for.

    Attributes:
        nodes: gets a folder for each pod.
        image: variables of the environment that the image of the pods sets.
        jobs: the description of each job, by its name.
        secrets: likewise.
        places: the folder of each pod, by the job's name.
    """

    def __init__(self, nodes: Path, image: dict[str, str]) -> None:
        self.nodes, self.image = nodes, image
        self.jobs: dict[str, Any] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.places: dict[str, Path] = {}

    def start(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["/bin/sh"]
        variables = dict(self.image)
        for entry in container["env"]:
            reference = entry["valueFrom"]["secretKeyRef"]
            secret = self.secrets[reference["name"]][reference["key"]]
            variables[entry["name"]] = base64.b64decode(secret).decode()
        script = self.nodes / f"{name}.sh"
        exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())
        script.write_text(exports + container["args"][1])
        self.jobs[name] = job
        self.places[name] = self.nodes / fresh_node.submit(self.nodes, script)
        script.unlink()

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        """What the server answers; text for the log of a pod."""
        kind, _, name = path.rpartition("/namespaces/")[2].partition("/")[2].partition("/")
        name, _, part = name.partition("/")
        if method == "POST" and kind == "secrets":
            self.secrets[body["metadata"]["name"]] = body["data"]
            return body
        if method == "POST" and kind == "jobs":
            self.start(body)
            return body
        if method == "DELETE":
            if kind == "jobs":
                fresh_node.kill(self.places[name])
            return {"kind": "Status", "status": "Success"}
        if kind == "jobs":
            state = fresh_node.status(self.places[name])
            return {
                **self.jobs[name],
                "status": {"succeeded": int(state == "success"), "failed": int(state == "failed")},
            }
        if part == "log":
            return (self.places[name] / "output").read_text(errors="replace")
        assert kind == "pods", (method, path)
        job = re.search(r"job-name(?:=|%3D)([\w-]+)", query)[1]  # type: ignore[index]
        state = fresh_node.status(self.places[job])
        ended = {"terminated": {"exitCode": int(state == "failed")}} if state != "running" else {"running": {}}
        container = {"name": "snakemake", "image": "", "imageID": "", "ready": True, "restartCount": 0, "state": ended}
        return {"items": [{"metadata": {"name": job}, "status": {"containerStatuses": [container]}}]}


@contextmanager
def kubernetes(nodes: Path, image: dict[str, str], settings: Path) -> Iterator[Pods]:
    """Such a server; `settings` gets the file that KUBECONFIG is to name."""
    pods = Pods(nodes, image)

    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"null")
            path, _, query = self.path.partition("?")
            answer = pods.answer(self.command, path, query, body)
            content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = serve  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        place = {"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
        users = [{"name": "test", "user": {}}]
        content = {"clusters": [place], "contexts": [context], "users": users, "current-context": "test"}
        settings.write_text(yaml.safe_dump(content))
        try:
            yield pods
        finally:
            server.shutdown()
            thread.join()


def wheel(name: str, folder: Path) -> None:
    """Write the wheel of an installed package again: pods install their plugin from it, without a network."""
    package = distribution(name)
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{package.version}-py3-none-any.whl", "w") as archive:
        for file in package.files or []:
            if ".." not in file.parts and file.suffix != ".pyc" and file.name not in ("INSTALLER", "REQUESTED"):
                archive.write(str(file.locate()), str(file))
