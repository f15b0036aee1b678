"""The report, as one file and as a zip, opens in a browser, off line, without errors, and shows every stage."""

import html
import json
import re
import shutil
import subprocess
from types import SimpleNamespace
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
    "--virtual-time-budget=60000",
)  # fmt: skip

# Snakemake's page carries its style engine, which advises on every start to build it in; no error.
KNOWN_ADVICE = "cdn.tailwindcss.com should not be used in production"
# Where Chromium itself calls when it starts, whatever the page.
BROWSERS_OWN = {
    "accounts.google.com", "android.clients.google.com", "clients2.google.com", "clientservices.googleapis.com",
    "optimizationguide-pa.googleapis.com", "update.googleapis.com", "www.google.com",
}  # fmt: skip

# Clicks through the report as a reader would: opens every picture and page of it, one after the other, and writes down
# how wide each picture is once it shows; 0 for one that does not within a second.
READER = """
<script>
const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));
async function shown(content, path) {
  app.setView({content: content, contentPath: results[path].data_uri, resultPath: path});
  for (let waited = 0; waited < 50; waited++) {
    await pause(20);
    const place = document.querySelector(content === "img" ? "#app .grow img" : "#app iframe");
    if (place?.getAttribute("src") !== results[path].data_uri) continue;
    if (content === "html") return place.clientWidth;
    // A damaged file has a width, too, but cannot be decoded.
    if (place.complete) return await createImageBitmap(place).then(bitmap => bitmap.width, () => 0);
  }
  return 0;
}
async function read() {
  const widths = {};
  for (const path of Object.keys(results)) {
    const content = {png: "img", html: "html"}[path.split(".").pop()];
    if (content) widths[path] = await shown(content, path);
  }
  const note = document.createElement("pre");
  note.id = "widths";
  note.textContent = JSON.stringify(widths);
  document.body.append(note);
}
setTimeout(read, 2000);
</script>
"""


@pytest.fixture(scope="session", params=["report.html", "unzipped/report/report.html"], ids=["html", "zip"])
def page(request, hospital, tmp_path_factory):
    """What Chromium made of the report: `document`, `messages` of the console, `hosts` it called, and `widths`, of
    every picture and page in it, by its path.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("needs Chromium, which this machine does not have")
    return read(browser, hospital.folder / request.param, tmp_path_factory.mktemp("browser"))


def read(browser, report, folder):
    """Has the browser read the report; see `page`."""
    # Beside the report, where it finds its pictures.
    copy = report.with_name("read.html")
    copy.write_text(report.read_text(encoding="utf-8") + READER, encoding="utf-8")
    log = folder / "net.json"
    done = subprocess.run(
        [browser, *QUIET, f"--user-data-dir={folder}/profile", f"--log-net-log={log}", "--enable-logging=stderr",
         "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    copy.unlink()
    parameters = [event.get("params") for event in json.loads(log.read_text())["events"]]
    urls = [str(entry.get("url", "")) for entry in parameters if isinstance(entry, dict)]
    widths = re.search(r'<pre id="widths">(.*?)</pre>', done.stdout)
    return SimpleNamespace(
        document=done.stdout,
        messages=[line for line in done.stderr.splitlines() if ":CONSOLE" in line and KNOWN_ADVICE not in line],
        hosts={urlsplit(url).hostname for url in urls if url.startswith("http")} - BROWSERS_OWN,
        widths=json.loads(html.unescape(widths[1])) if widths else {},
    )


def test_no_errors_on_the_console_and_no_requests(page):
    assert page.messages == []
    assert page.hosts == set()


def test_every_figure_and_page_renders(page, hospital):
    assert [path for path, width in page.widths.items() if not width] == []
    # Every picture of the evaluation, those of single arms in their folder included, is one of them.
    drawn = {str(path.relative_to(hospital.folder)) for path in (hospital.folder / "results/evaluation").rglob("*.png")}
    assert len(drawn) > 10 and drawn <= set(page.widths)
    assert "results/evaluation/overview.html" in page.widths


def test_everything_in_it_has_a_caption(hospital):
    text = (hospital.folder / "unzipped/report/report.html").read_text(encoding="utf-8")
    entries, _ = json.JSONDecoder().raw_decode(text, text.index('{"results/'))
    assert len(entries) > 50
    assert [path for path, entry in entries.items() if not entry["caption"]] == []


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_stage_has_its_category(page, category):
    # An entry of the menu on the left, not a word of the text.
    assert f"<span>{category}</span>" in page.document


def test_the_first_page_says_that_this_is_no_medical_device(hospital):
    assert "not a medical device" in (hospital.folder / "unzipped/report/report.html").read_text(encoding="utf-8")


def test_the_report_is_small_enough_to_send(hospital):
    # Mail servers commonly refuse 25 MB.
    for name in ("report.html", "report.zip"):
        assert (hospital.folder / name).stat().st_size < 20e6
