"""The HTML page: what is in it, and what it looks like in a real browser."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from html.parser import HTMLParser

import pytest

from WMCore.WMRuntime.AreaCheck.CheckedArea import CheckedArea
from WMCore.WMRuntime.AreaCheck.PageReport import anchorOf, cellCodes, cellNote, pageText
from WMCore_t.WMRuntime_t.AreaCheck_t.SampleReports import BROKEN, COMMAND, HOSTILE, areaResult, finding, sampleReport

if sys.version_info < (3, 8):
    pytest.skip("areas are checked on the agent's side, with python 3.8 or newer", allow_module_level=True)
pytest.importorskip("jinja2")

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         "--force-prefers-color-scheme=light", "--window-size=1280,1000", "--virtual-time-budget=3000")
ANCHOR = anchorOf(areaResult(*BROKEN).area)
# Runs in the page: measures the grid, clicks on the broken cell, and writes down what changed.
SCRIPT = """<script>
addEventListener("load", function () {
    const look = function () {
        const cell = document.querySelector('a.cell[href="#%(anchor)s"]'), box = cell.getBoundingClientRect();
        return {cells: document.querySelectorAll("table.grid a.cell").length,
                rows: document.querySelectorAll("table.grid tbody tr").length,
                red: getComputedStyle(cell).backgroundColor, words: cell.innerText,
                at: [Math.round(box.left + box.width / 2), Math.round(box.bottom - 8)],
                open: [...document.querySelectorAll(".panel")].filter(panel => panel.offsetHeight > 0)
                      .map(panel => panel.id),
                shown: document.getElementById("%(anchor)s").innerText};
    };
    const before = look();
    document.querySelector('a.cell[href="#%(anchor)s"]').click();
    setTimeout(function () {
        document.documentElement.setAttribute("data-seen", JSON.stringify([before, look()]));
    }, 200);
});
</script>"""


class Links(HTMLParser):
    """Collect what a page refers to, and its ids."""

    def __init__(self, text):
        super(Links, self).__init__()
        self.links, self.ids, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "action", "srcset", "data"):
                self.links.append(value)
            elif name == "id":
                self.ids.append(value)


def test_thePageNeedsNoNetworkAndNoScript():
    text = pageText(sampleReport())
    page = Links(text)
    assert all(link.startswith("#") for link in page.links) and not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "@import" not in text and "url(" not in text and "default-src 'none'" in text


def test_eachCellLeadsToItsOwnPartOfThePage():
    page = Links(pageText(sampleReport()))
    assert len(page.ids) == len(set(page.ids)) and set(page.links) <= {"#" + name for name in page.ids}
    assert "#" + ANCHOR in page.links


def test_areasOfAnyTwoRootsHavePartsOfTheirOwn():
    roots = ("/a", "/b", "/a/cms.cern.ch", "/a/cms-cern-ch", "/a-cms.cern.ch", "/a/cms.cern.ch/COMP")
    names = [anchorOf(CheckedArea(root + "/COMP/rhel8_x86_64", "COMP", "rhel8", "x86_64")) for root in roots]
    assert len(set(names)) == len(roots)
    assert all(re.match(r"COMP-rhel8_x86_64-[0-9a-f]{12}\Z", name) for name in names)
    assert not re.search(r"[^A-Za-z0-9_-]", anchorOf(CheckedArea("/x y", 'a "b"', "rhel8", "x86_64")))


def test_aNumberOfAreasOfAnyStatusReadsRightFromOneOn():
    report = sampleReport([finding("warning")])
    assert "1 with warnings" in pageText(report) and "1 warnings" not in pageText(report)
    from WMCore.WMRuntime.AreaCheck.TextReport import reportLines
    assert list(reportLines(report))[-1].endswith("s: 1 with warnings, 11 good")


def test_whatAnAreaSaysIsTextInThePage():
    text = pageText(sampleReport([finding(message=HOSTILE)]))
    assert "<script>" not in text and "&lt;script&gt;" in text and "{{ 7 * 7 }}" in text
    assert "\x00" not in text and "\x1b" not in text
    text.encode("utf-8")


def test_aFindingComesWithItsRemedyAndTheCommandThatRepeatsIt():
    text = pageText(sampleReport())
    assert "publish it again" in text and COMMAND in text and "init.sh ends the shell" in text


@pytest.mark.parametrize("result, note", [
    (areaResult("rhel8", "aarch64", [finding()], check="present"), "missing"),
    (areaResult("rhel8", "x86_64", skipped="none", check="present"), "none published"),
    (areaResult("rhel8", "x86_64"), "1 check"),
    (areaResult("rhel8", "aarch64", [finding(), finding("warning"), finding("warning")]),
     "1 error, 2 warnings, files only")])
def test_aCellSaysInWordsWhatItStandsFor(result, note):
    assert cellNote(result) == note


@pytest.mark.parametrize("findings, codes", [
    ([], ""), ([finding("info")], ""),
    ([finding("warning", code="glibcTooNew"), finding("info", code="otherDescription")], "glibcTooNew"),
    ([finding("warning", code="layoutOnly"), finding(code="b"), finding(code="b"), finding(code="a")], "b, a"),
    ([finding(code=code) for code in "abcabcd"], "a, b, 2 more")])
def test_aCellNamesWhatItIsColouredFor(findings, codes):
    assert cellCodes(areaResult(*BROKEN, findings=findings)) == codes
    page = pageText(sampleReport(findings))
    assert ('<small class="codes">%s</small>' % codes in page) == bool(codes) == ('class="codes"' in page)


@pytest.fixture(name="browser", scope="module")
def fixtureBrowser():
    """Give a Chromium of this machine."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    if not any(found):
        pytest.skip("there is no chromium here")
    return next(filter(None, found))


def visit(browser, scratch, url, *actions):
    """Let the browser open a page and do something; give what it printed."""
    profile = os.path.join(scratch, "profile-%d" % len(os.listdir(scratch)))
    done = subprocess.run([browser] + list(FLAGS) + ["--user-data-dir=" + profile] + list(actions) + [url],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=90,
                          env=dict(os.environ, HOME=scratch))
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("utf-8", "replace")


def pixelsOf(path):
    """Read an 8-bit RGB or RGBA PNG: a list of rows, each a list of (red, green, blue)."""
    with open(path, "rb") as handle:
        data = handle.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    packed, offset = b"", 8
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", data, offset + 8)
            assert depth == 8 and colour in (2, 6)
        elif kind == b"IDAT":
            packed += data[offset + 8:offset + 8 + size]
        offset += size + 12
    step = 3 if colour == 2 else 4
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * step)
    for number in range(height):
        start = number * (width * step + 1)
        line = bytearray(raw[start + 1:start + 1 + width * step])
        _unfilter(raw[start], line, before, step)
        rows.append([tuple(line[x:x + 3]) for x in range(0, len(line), step)])
        before = line
    return rows


def _unfilter(kind, line, above, step):
    """Undo the filter of one row of a PNG, in place."""
    for x in range(len(line)):
        left, up, corner = line[x - step] if x >= step else 0, above[x], above[x - step] if x >= step else 0
        if kind == 4:
            near = left + up - corner
            add = min((left, up, corner), key=lambda value: abs(near - value))
        else:
            add = (0, left, up, (left + up) // 2)[kind]
        line[x] = (line[x] + add) & 255


def isRed(pixel):
    """Tell whether a person would call it red."""
    return pixel[0] > 150 and pixel[1] < 90 and pixel[2] < 90


@pytest.mark.slow
def test_inABrowserTheBrokenAreaIsRedAndItsCellOpens(browser, tmp_path):
    page, scratch = tmp_path / "page.html", tmp_path / "scratch"
    scratch.mkdir()
    # Before the page's own policy, which lets no script run.
    text = pageText(sampleReport()).replace('<meta charset="utf-8">', '<meta charset="utf-8">' +
                                            SCRIPT % {"anchor": ANCHOR})
    page.write_text(text, encoding="utf-8")
    seen = re.search(r'data-seen="([^"]*)"', visit(browser, str(scratch), page.as_uri(), "--dump-dom"))
    before, after = json.loads(seen.group(1).replace("&quot;", '"'))
    assert before["cells"] == 12 and before["rows"] == 4
    assert isRed([int(part) for part in re.findall(r"[0-9]+", before["red"])]) and "broken" in before["words"]
    assert "initEndsShell" in before["words"]
    assert before["open"] == [] and after["open"] == [ANCHOR]
    assert "init.sh ends the shell" in after["shown"] and COMMAND in after["shown"]

    page.write_text(pageText(sampleReport()), encoding="utf-8")
    picture = str(tmp_path / "page.png")
    visit(browser, str(scratch), page.as_uri(), "--screenshot=" + picture)
    pixels = pixelsOf(picture)
    assert isRed(pixels[before["at"][1]][before["at"][0]])
    # One cell of twelve, and its badge is pale.
    red = sum(isRed(pixel) for row in pixels for pixel in row)
    assert 0.5 * 310 * 70 < red < 1.5 * 320 * 80


@pytest.mark.slow
def test_inABrowserTheLinkToAnAreaOpensIt(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(pageText(sampleReport()), encoding="utf-8")
    closed, opened = str(tmp_path / "closed.png"), str(tmp_path / "open.png")
    for picture, url in ((closed, page.as_uri()), (opened, page.as_uri() + "#" + ANCHOR)):
        visit(browser, str(tmp_path), url, "--screenshot=" + picture)
    dark = [sum(max(pixel) < 60 for row in pixelsOf(picture) for pixel in row) for picture in (closed, opened)]
    # The command stands on a dark bar.
    assert dark[1] > dark[0] + 5000
