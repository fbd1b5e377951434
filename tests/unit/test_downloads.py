"""Downloads from a server on this machine that can also misbehave."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pellucid.downloads import RETRIES, check, fetch, is_local, local_path, place
from pellucid.errors import InputError

CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """/good serves the content; /busy does after two refusals; /cut breaks off; anything else is 404."""

    def do_GET(self):
        self.server.asked.append(self.path)
        busy = self.path == "/busy" and len(self.server.asked) < RETRIES
        known = self.path in ("/good", "/busy", "/cut")
        self.send_response(503 if busy else 200 if known else 404)
        self.send_header("Content-Length", str(len(CONTENT)) if known and not busy else "0")
        self.end_headers()
        if known and not busy:
            self.wfile.write(CONTENT[:1000] if self.path == "/cut" else CONTENT)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as serving:
        serving.asked = []
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def address(server, path):
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_brings_the_file_and_shows_its_progress(server, tmp_path, capsys):
    fetch(address(server, "/good"), DIGEST, tmp_path / "new" / "file.bin")
    assert (tmp_path / "new" / "file.bin").read_bytes() == CONTENT
    assert "100%" in capsys.readouterr().err


def test_a_server_in_trouble_is_asked_again(server, tmp_path):
    fetch(address(server, "/busy"), DIGEST.upper(), tmp_path / "file.bin")
    assert server.asked == ["/busy"] * RETRIES
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_refusal_is_final(server, tmp_path):
    with pytest.raises(InputError, match=r"/gone: found no download \(404"):
        fetch(address(server, "/gone"), "none", tmp_path / "file.bin")
    assert server.asked == ["/gone"]
    assert not list(tmp_path.iterdir())


def test_a_broken_transfer_is_tried_again_and_then_told(server, tmp_path):
    with pytest.raises(InputError, match="/cut: found no download"):
        fetch(address(server, "/cut"), DIGEST, tmp_path / "file.bin")
    assert len(server.asked) == RETRIES
    assert not list(tmp_path.iterdir())


def test_a_wrong_checksum_names_all_and_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError) as told:
        fetch(address(server, "/good"), "0" * 64, tmp_path / "file.bin")
    for part in (address(server, "/good"), DIGEST, "0" * 64, "102,400 bytes"):
        assert part in str(told.value)
    assert not list(tmp_path.iterdir())


def test_no_server(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as closed:
        gone = address(closed, "/good")
    with pytest.raises(InputError, match="no download"):
        fetch(gone, "none", tmp_path / "file.bin")
    assert not list(tmp_path.iterdir())


def test_local_addresses(tmp_path):
    path = tmp_path / "two words.csv"
    assert local_path(path.as_uri()) == path
    assert local_path(str(path)) == path
    assert is_local(str(path))
    assert is_local(path.as_uri())
    assert not is_local("https://example.org/a.csv")


def test_every_address_has_a_place_of_its_own():
    one, two = place("https://a.org/x/mnist.npz?v=1"), place("https://b.org/x/mnist.npz")
    assert one.endswith("/mnist.npz")
    assert two.endswith("/mnist.npz")
    assert one != two


def test_check_gives_the_digest(tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    assert check(tmp_path / "file.bin", DIGEST) == DIGEST
    with pytest.raises(InputError, match=r"file.bin: found a file of 102,400 bytes"):
        check(tmp_path / "file.bin", "f" * 64)
