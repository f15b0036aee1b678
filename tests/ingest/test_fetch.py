"""A table at an address is brought here whole and as it was declared, or not at all."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gliodelta.ingest.__main__ import main
from gliodelta.ingest.fetch import fetch
from gliodelta.schema import InvalidInput

TABLE = b"sub,ses_diff,t2_label,t2_label_numeric\nsub-171_brats_tcia,ses-0200_vs_ses-0387,progression,1\n"
CHECKSUM = hashlib.sha256(TABLE).hexdigest()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path != "/broken.csv":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(TABLE)


@pytest.fixture
def server(tmp_path):
    """The address of a server on this machine, which has a table, a web page and a table that breaks off."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "labels.csv").write_bytes(TABLE)
    (folder / "labels.html").write_bytes(b"\n<!DOCTYPE html><html>not found, but kindly said</html>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("checksum", [CHECKSUM, CHECKSUM.upper(), None])
def test_a_table_is_fetched_and_its_checksum_told(server, tmp_path, checksum):
    out = tmp_path / "tables" / "labels.csv"
    told = fetch(f"{server}/labels.csv", out, checksum)
    assert out.read_bytes() == TABLE
    assert ("The checksum is right." in told) == bool(checksum) and (f"--sha256 {CHECKSUM}" in told[1]) != bool(
        checksum
    )


def test_a_file_address_is_fetched_too(tmp_path, server):
    fetch((tmp_path / "server" / "labels.csv").as_uri(), tmp_path / "labels.csv", CHECKSUM)
    assert (tmp_path / "labels.csv").read_bytes() == TABLE


@pytest.mark.parametrize(
    ("name", "checksum", "message"),
    [
        ("labels.csv", "0" * 64, f"is {CHECKSUM}, not {'0' * 64}; it has changed since"),
        ("none.csv", None, "the server says 404"),
        ("labels.html", None, "gives a web page and no table"),
        ("broken.csv", None, "cannot be reached"),
    ],
)
def test_what_is_not_the_table_is_an_error_and_nothing_is_written(server, tmp_path, name, checksum, message):
    with pytest.raises(InvalidInput, match=message):
        fetch(f"{server}/{name}", tmp_path / "out" / "labels.csv", checksum)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/labels.csv", "labels.csv", "file:///no/such/labels.csv"])
def test_an_address_that_cannot_be_reached_is_an_error_that_says_what_to_do(tmp_path, address, capsys):
    assert main(["fetch", address, str(tmp_path / "labels.csv")]) == 1
    said = capsys.readouterr().err
    assert (
        said.startswith(f"Nothing was fetched: {address}: cannot be reached") and "on a machine with a network" in said
    )


def test_a_table_that_is_here_is_not_fetched_again_and_another_file_is_not_overwritten(tmp_path):
    out = tmp_path / "labels.csv"
    out.write_bytes(TABLE)
    # Nobody answers at this address.
    assert "fetched before" in fetch("http://127.0.0.1:1/", out, CHECKSUM)[0]
    with pytest.raises(InvalidInput, match="exists already and is another file"):
        fetch("http://127.0.0.1:1/", out, "0" * 64)
    with pytest.raises(InvalidInput, match="give --sha256 to check it"):
        fetch("http://127.0.0.1:1/", out)
    assert out.read_bytes() == TABLE


def test_draft_takes_no_address_and_names_the_step_before(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["draft", "raw", "--key", "key", "--out", "mine", "--labels", "https://example.org/labels.csv"])
    assert "`python -m gliodelta.ingest fetch` brings it here first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
