"""Downloads from a server on this machine that can also misbehave."""

import gzip
import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pellucid.downloads import RETRIES, check, checksums, fetch, is_local, local_path, place
from pellucid.errors import InputError

CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()
# Bytes after which /part, /anew and /weak break off: ten of the blocks in which a transfer is written.
BROKEN = 10 * 1024


class Server(BaseHTTPRequestHandler):
    """/good serves the content; /busy does after two refusals; /cut breaks off; anything else is 404.

    /part, /anew and /weak break off at first and then serve what is asked for: the rest of the same file, another
    state of the file, or one that is not surely the same.
    """

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path in ("/part", "/anew", "/weak"):
            self.serve_parts()
            return
        busy = self.path == "/busy" and len(self.server.asked) < RETRIES
        known = self.path in ("/good", "/busy", "/cut")
        self.send_response(503 if busy else 200 if known else 404)
        self.send_header("Content-Length", str(len(CONTENT)) if known and not busy else "0")
        self.end_headers()
        if known and not busy:
            self.wfile.write(CONTENT[:1000] if self.path == "/cut" else CONTENT)

    def serve_parts(self):
        first = len(self.server.asked) == 1
        mark = {"/part": '"one"', "/anew": '"one"' if first else '"two"', "/weak": 'W/"one"'}[self.path]
        begin = 0
        if (asked := self.headers["Range"]) and self.headers["If-Range"] == mark:
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if begin else 200)
        self.send_header("ETag", mark)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        # Noted first: the client may be done before this thread goes on.
        self.server.sent.append(begin)
        self.wfile.write(CONTENT[:BROKEN] if first else CONTENT[begin:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as serving:
        serving.asked, serving.sent = [], []
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


@pytest.mark.parametrize(("path", "begins"), [("/part", [0, BROKEN]), ("/anew", [0, 0]), ("/weak", [0, 0])])
def test_a_retry_goes_on_where_the_last_broke_off_if_the_file_is_the_same(server, tmp_path, path, begins):
    # Nobody checks these bytes: that the parts belong together must come from the transfer itself.
    fetch(address(server, path), "none", tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.sent == begins


def test_a_wrong_checksum_names_all_and_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError) as told:
        fetch(address(server, "/good"), "0" * 64, tmp_path / "file.bin")
    for part in (address(server, "/good"), DIGEST, "0" * 64, "102,400 bytes"):
        assert part in str(told.value)
    assert not list(tmp_path.iterdir())


def test_no_server(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as closed:
        gone = address(closed, "/good")
    with pytest.raises(InputError, match="no download .* write the path of a copy"):
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
    other_end = DIGEST[:-1] + ("0" if DIGEST[-1] != "0" else "1")
    with pytest.raises(InputError, match=f"expected SHA-256 {other_end}"):
        check(tmp_path / "file.bin", other_end)


def test_an_md5_is_checked_where_no_sha256_is_published(server, tmp_path):
    # RFC 1321, appendix A.5: the MD5 of "abc".
    (tmp_path / "abc").write_bytes(b"abc")
    assert check(tmp_path / "abc", "none", md5="900150983cd24fb0d6963f7d28e17f72") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(InputError, match="abc: found a file of 3 bytes with MD5 9001.*; expected MD5 f{32}"):
        check(tmp_path / "abc", "none", md5="F" * 32)
    with pytest.raises(InputError, match="with SHA-256"):
        check(tmp_path / "abc", "f" * 64, md5="900150983CD24FB0D6963F7D28E17F72")
    with pytest.raises(InputError, match="with MD5"):
        fetch(address(server, "/good"), DIGEST, tmp_path / "file.bin", md5="0" * 32)
    assert [path.name for path in tmp_path.iterdir()] == ["abc"]


def test_checksums_of_a_config_entry_are_those_of_the_file_that_is_asked_for():
    entry = {"train_sha256": "a", "test_sha256": "b", "test_md5": "c"}
    assert checksums(entry, "train") == {"sha256": "a", "md5": "none"}
    assert checksums(entry, "test") == {"sha256": "b", "md5": "c"}


def lying(status, body=CONTENT, *, again=None, **headers):
    """A server that answers with this; `again` is (status, headers) of every answer after the first, which breaks off."""

    class Liar(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.headers["Range"])
            first = len(self.server.asked) == 1
            answer, said = (status, headers) if first or again is None else again
            self.send_response(answer)
            for name, value in said.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body[:BROKEN] if again and first else body)

        def log_message(self, *arguments):
            pass

    return Liar


WHOLE = {"Content_Length": str(len(CONTENT)), "ETag": '"one"'}
REST = f"bytes {BROKEN}-{len(CONTENT) - 1}/{len(CONTENT)}"


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (lying(206, **WHOLE, Content_Range=f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"), "all of it was asked for"),
        (lying(204), "status 204"),
        (lying(203, **WHOLE), "status 203"),
        (lying(200, gzip.compress(CONTENT), Content_Encoding="gzip"), "packed with gzip"),
        (lying(200, b"x", Content_Length=str(10**17)), "100,000,000,000,000,000 bytes, where the disk has"),
        (lying(302, b"", Location="ftp://127.0.0.1/x", Content_Length="0"), "a redirection from http to ftp"),
        (lying(200, **WHOLE, again=(206, {**WHOLE, "Content_Range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"})), "Content-Range bytes 5-"),
        (lying(200, **WHOLE, again=(206, {**WHOLE, "Content_Range": f"bytes {BROKEN}-{BROKEN + 9}/{len(CONTENT)}"})), "Content-Range"),
        (lying(200, **WHOLE, again=(206, WHOLE)), "Content-Range none"),
        (lying(200, **WHOLE, again=(206, {**WHOLE, "ETag": '"two"', "Content_Range": REST})), "another state of the file"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_the_file_is_refused(tmp_path, server, told):
    # Nobody checks these bytes: the transfer itself must see it.
    with ThreadingHTTPServer(("127.0.0.1", 0), server) as serving:
        serving.asked = []
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        try:
            with pytest.raises(InputError, match=re.escape(told)):
                fetch(address(serving, "/file"), "none", tmp_path / "file.bin")
        finally:
            serving.shutdown()
            thread.join()
    assert not list(tmp_path.iterdir())
