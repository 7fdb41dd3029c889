"""The page as a person meets it: in a browser, without a network, on a desk, on a phone, on paper."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)


class Links(HTMLParser):
    """Every address that the page asks for, and its images without a text."""

    def __init__(self):
        super().__init__()
        self.addresses, self.silent, self.scripts = [], [], 0

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.scripts += tag == "script"
        self.addresses += [named[key] for key in ("src", "srcset") if named.get(key)]
        if tag in ("a", "link"):
            self.addresses.append(named.get("href", ""))
        if tag == "img" and len(named.get("alt") or "") < 20:
            self.silent.append(named.get("src"))


def browse(page, *options):
    # A container's root cannot have the sandbox; the page is our own.
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--enable-logging=stderr",
        "--v=0",
        *options,
        page.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_page_asks_for_nothing_from_elsewhere(quick_run):
    links = Links()
    links.feed((quick_run / "index.html").read_text(encoding="utf-8"))
    assert links.scripts == 0
    assert not links.silent
    for address in links.addresses:
        assert not re.match(r"(https?:)?//", address), address
        if not address.startswith(("#", "data:")):
            assert (quick_run / address).is_file(), address


@needs_browser
def test_page_opens_without_errors(quick_run):
    done = browse(quick_run / "index.html", "--dump-dom")
    assert "does not hold" in done.stdout
    # Console messages and files that are missing both go to the log with this name.
    assert "CONSOLE" not in done.stderr
    assert "ERR_" not in done.stderr


@needs_browser
@pytest.mark.parametrize("width", [390, 1200])
def test_page_is_drawn(quick_run, tmp_path, width):
    picture = tmp_path / "page.png"
    browse(quick_run / "index.html", f"--screenshot={picture}", f"--window-size={width},2400", "--hide-scrollbars")
    pixels = matplotlib.image.imread(picture)[..., :3]
    assert pixels.shape[1] == width
    inked = (np.abs(pixels - pixels[-1, -1]) > 0.1).any(axis=(1, 2))
    assert inked.mean() > 0.2


@needs_browser
def test_page_prints(quick_run, tmp_path):
    paper = tmp_path / "page.pdf"
    browse(quick_run / "index.html", f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    assert paper.read_bytes().startswith(b"%PDF")
    assert paper.stat().st_size > 50_000
