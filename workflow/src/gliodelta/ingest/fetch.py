"""A published table from the network: a first step of its own, since compute nodes reach no network."""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from gliodelta import io
from gliodelta.schema import InvalidInput

# Tables are small; a server that says nothing for this many seconds will not.
PATIENCE_S = 60


def fetch(address, out, sha256=None):
    """Writes what lies at an address to a file.

    Args:
        address: URL, such as one that begins with http, https or file.
        out: file to write. One that is there already is kept where it has the checksum, and nothing is fetched.
        sha256: checksum of the content, hexadecimal; without it any content but a web page is taken.

    Returns:
        list of sentences: what was written, and its checksum.

    Raises:
        InvalidInput: the address cannot be reached, the content is a web page or has another checksum, or `out` exists
            and is not known to be the same. Nothing is written then.
    """
    out, wanted = Path(out), sha256 and sha256.lower()
    if out.exists():
        if not wanted:
            raise InvalidInput(f"{out}: exists already; give --sha256 to check it, or name another file")
        if wanted != io.checksum(out):
            raise InvalidInput(f"{out}: exists already and is another file; move it away or name another one")
        return [f"{out} was fetched before; its checksum is right."]
    content = _read(address)
    found = hashlib.sha256(content).hexdigest()
    if wanted and found != wanted:
        raise InvalidInput(
            f"{address}: its checksum (SHA-256) is {found}, not {wanted}; it has changed since, or the address is wrong"
        )
    if content.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise InvalidInput(f"{address}: gives a web page and no table; give the address of the raw file itself")
    with io.atomic(out) as temporary:
        temporary.write_bytes(content)
    told = "The checksum is right." if wanted else f"Fetch it with --sha256 {found} from now on."
    return [f"Wrote {len(content)} bytes to {out}.", told]


def _read(address):
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise InvalidInput(f"{address}: the server says {error.code} {error.reason}") from None
    # OSError: no such server or file, no answer in time; HTTPException: broken off; ValueError: no address at all.
    except (OSError, http.client.HTTPException, ValueError) as error:
        told = getattr(error, "reason", None) or error
        raise InvalidInput(
            f"{address}: cannot be reached ({told}); check the address, and fetch on a machine with a network"
        ) from None
