"""The report opens in a browser, off line, without errors, and shows every stage."""

import json
import shutil
import subprocess
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow

CATEGORIES = (
    "simulation", "ingest", "imaging", "splits", "labels", "manifests", "pretraining", "tuning", "transfer",
    "external", "evaluation", "overview",
)  # fmt: skip
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1400,1000",
    "--virtual-time-budget=8000",
)  # fmt: skip

# Snakemake's page carries its style engine, which advises on every start to build it in; no error.
KNOWN_ADVICE = "cdn.tailwindcss.com should not be used in production"
# Where Chromium itself calls when it starts, whatever the page.
BROWSERS_OWN = {
    "accounts.google.com", "android.clients.google.com", "clients2.google.com", "clientservices.googleapis.com",
    "optimizationguide-pa.googleapis.com", "update.googleapis.com", "www.google.com",
}  # fmt: skip


@pytest.fixture(scope="session")
def page(hospital, tmp_path_factory):
    """What Chromium made of the report: (document, messages on the console, hosts it called)."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("needs Chromium, which this machine does not have")
    folder = tmp_path_factory.mktemp("browser")
    log = folder / "net.json"
    done = subprocess.run(
        [browser, *QUIET, f"--user-data-dir={folder}/profile", f"--log-net-log={log}", "--enable-logging=stderr",
         "--dump-dom", (hospital.folder / "report.html").as_uri()],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    messages = [line for line in done.stderr.splitlines() if ":CONSOLE" in line and KNOWN_ADVICE not in line]
    parameters = [event.get("params") for event in json.loads(log.read_text())["events"]]
    urls = [str(entry.get("url", "")) for entry in parameters if isinstance(entry, dict)]
    hosts = {urlsplit(url).hostname for url in urls if url.startswith("http")}
    return done.stdout, messages, hosts - BROWSERS_OWN


def test_no_errors_on_the_console_and_no_requests(page):
    _, messages, requests = page
    assert messages == []
    assert requests == set()


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_stage_has_its_category(page, category):
    document, _, _ = page
    # An entry of the menu on the left, not a word of the text.
    assert f"<span>{category}</span>" in document


def test_the_first_page_says_that_this_is_no_medical_device(page):
    assert "not a medical device" in page[0]


def test_the_report_is_small_enough_to_send(hospital):
    # Mail servers commonly refuse 25 MB.
    assert (hospital.folder / "report.html").stat().st_size < 20e6
