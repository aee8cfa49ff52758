"""The page in a real browser: silent, sealed, sortable, and no wider than the window."""

import os
import shutil

import pytest
from report.told import picture_run, small_run

from svmtrain.report.write import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
WIDTHS = {"phone": 390, "desk": 1280}

pytestmark = pytest.mark.skipif(
    BROWSER is None and "CI" not in os.environ, reason="no Chromium is installed"
)


@pytest.fixture(scope="module")
def browser():
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as play:
        running = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    runs = [str(small_run(folder, f"seed-{seed}", f"solver.seed={seed}").path) for seed in "12"]
    pictures = str(picture_run(folder / "more").path)
    return {
        "one": write_report(runs[:1]),
        "pictures": write_report([pictures]),
        "several": write_report(runs, str(folder / "several.html")),
    }


class Visit:
    """A page that is open, and what it did that it should not."""

    def __init__(self, browser, path, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.resolve().as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.mark.parametrize(("width", "scheme"), [("phone", "dark"), ("desk", "light")])
@pytest.mark.parametrize("name", ["one", "pictures", "several"])
def test_a_page_is_silent_sealed_and_fits(browser, pages, name, width, scheme):
    """No complaint, no request but the page's own, nothing wider than the window."""
    size = {"width": WIDTHS[width], "height": 800}
    with Visit(browser, pages[name], viewport=size, color_scheme=scheme) as visit:
        assert visit.complaints == []
        assert [url for url in visit.requests if not url.startswith("data:")] == [
            pages[name].resolve().as_uri()
        ]
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width]
        paper = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def column(page, table, number):
    """Return the texts of a column."""
    return page.evaluate(
        "([t, n]) => [...document.querySelectorAll(t + ' tbody tr')]"
        ".map((row) => row.cells[n].textContent.trim())",
        [table, number],
    )


def test_a_title_sorts_its_column(browser, pages):
    """By number and not by text, up and then down; heard by who cannot see it."""
    with Visit(browser, pages["one"]) as visit:
        table = "#classes table"
        titles = visit.page.locator(f"{table} thead th")
        names = [text.strip() for text in titles.all_inner_texts()]
        place = names.index("length of weights")
        before = column(visit.page, table, place)
        titles.nth(place).locator("button").click()
        assert column(visit.page, table, place) == sorted(before, key=float)
        assert titles.nth(place).get_attribute("aria-sort") == "ascending"
        titles.nth(place).locator("button").press("Enter")
        assert column(visit.page, table, place) == sorted(before, key=float, reverse=True)
        assert titles.nth(place).get_attribute("aria-sort") == "descending"
        titles.nth(0).locator("button").click()
        assert column(visit.page, table, 0) == ["ash", "elm", "oak"]
        assert titles.nth(place).get_attribute("aria-sort") is None
        assert visit.complaints == []


def test_without_javascript_everything_is_there_to_read(browser, pages):
    """Tables in their own order, details that open, the drawings."""
    with Visit(browser, pages["one"], java_script_enabled=False) as visit:
        text = visit.page.locator("main").inner_text()
        assert "Class by class" in text
        assert visit.page.locator("th button").count() == 0
        visit.page.locator("summary", has_text="whole config").click()
        assert "epochs: 4" in visit.page.locator("#setting pre").inner_text()
        assert visit.page.locator("#curves svg").count() == 4


def test_a_page_prints_on_paper(browser, pages):
    """As a PDF, in dark on white, whatever the screen's colours are."""
    with Visit(browser, pages["one"], color_scheme="dark") as visit:
        visit.page.emulate_media(media="print")
        ink = visit.page.evaluate("getComputedStyle(document.body).color")
        assert ink == "rgb(0, 0, 0)"
        assert visit.page.pdf().startswith(b"%PDF")


def contrast(one, other):
    """Return the contrast of two colours (r, g, b), as WCAG 2 defines it."""
    lights = []
    for colour in (one, other):
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
                  for v in (part / 255 for part in colour)]  # fmt: skip
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_out_from_the_paper(browser, pages, scheme):
    """Text by 4.5 to 1, lines of drawings by 3 to 1: WCAG 2.2, criteria 1.4.3 and 1.4.11."""
    with Visit(browser, pages["one"], color_scheme=scheme) as visit:
        colours = visit.page.evaluate("""() => {
            const probe = document.body.appendChild(document.createElement("i"));
            const names = ["paper", "ink", "quiet", "link", "s1", "s2", "s3", "s4", "s5", "s6"];
            return Object.fromEntries(names.map((name) => {
                probe.style.color = `var(--${name})`;
                const parts = getComputedStyle(probe).color.match(/[0-9.]+/g);
                return [name, parts.slice(0, 3).map(Number)];
            }));
        }""")
        for name in ("ink", "quiet", "link"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name
        for name in ("s1", "s2", "s3", "s4", "s5", "s6"):
            assert contrast(colours[name], colours["paper"]) >= 3, name
