"""The page in a real browser, against a real controller: drawn, usable, fast, accessible.

Needs Chromium and playwright (`pip install playwright`, Debian's package `chromium`); with
axe-core (`npm pack axe-core`) named in PAGE_AXE it also checks accessibility.
Screenshots are kept in the folder that PAGE_SCREENSHOTS names.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from site_world import Crowd, SiteWorld, served

from controller.web.doors import Doors
from controller.web.listener import Listener

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: the page is not tried in a browser"
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to try the page in"),
]
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
MANY = 5000
FIRST_CONTENT_MS = 1000.0
VIEWS = {
    "light": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
KINDS = {
    "lambda": "lambda_function/123456789012/eu-west-1/checkout-ocr:live",
    "serverless": "serverless_endpoint/123456789012/eu-west-1/resume-parser:AllTraffic",
    "realtime": "realtime_endpoint/123456789012/eu-west-1/image-tagger:AllTraffic",
}
PAGES = {
    "fleet": "#/",
    **{name: f"#/endpoints/{key}" for name, key in KINDS.items()},
    "changes": "#/changes",
    "change": "#/changes/1",
    "policies": "#/policies",
    "policy": "#/policies/checkout-ocr",
    "status": "#/status",
    "nothing": "#/endpoints/lambda_function/1/2/3",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def url(site_world: SiteWorld) -> Iterator[str]:
    listener = Listener(served(site_world.app.site, Doors(loopback=True)))
    listener.start()
    yield listener.url
    listener.stop()


@pytest.fixture(scope="module")
def crowd(site_world: SiteWorld) -> Iterator[str]:
    site = Crowd(site_world.app, MANY)
    site.board.rows()
    listener = Listener(served(site, Doors(loopback=True)))
    listener.start()
    yield listener.url
    listener.stop()


class Page:
    """A tab, and what its console said."""

    def __init__(self, browser: Any, view: str) -> None:
        self.context = browser.new_context(**VIEWS[view])
        self.tab = self.context.new_page()
        self.view = view
        self.complaints: list[str] = []
        self.tab.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else 0)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, url: str, path: str = "#/") -> "Page":
        self.tab.goto("about:blank")
        self.tab.goto(f"{url}/{path}")
        self.tab.wait_for_selector("main h1", state="attached")
        return self

    def names(self) -> list[str]:
        return [link.inner_text() for link in self.tab.query_selector_all("a.name")]

    def shoot(self, name: str) -> None:
        folder = os.environ.get("PAGE_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.tab.screenshot(path=Path(folder) / f"{name}-{self.view}.png", full_page=True)


@pytest.fixture(params=list(VIEWS))
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Page]:
    opened = Page(browser, request.param)
    yield opened
    opened.context.close()


@pytest.fixture
def wide(browser: Any) -> Iterator[Page]:
    opened = Page(browser, "light")
    yield opened
    opened.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_drawn_fits_and_complains_of_nothing(page: Page, url: str, name: str) -> None:
    page.open(url, PAGES[name])
    width = page.tab.evaluate("document.documentElement.scrollWidth")
    assert width <= VIEWS[page.view]["viewport"]["width"], "the page scrolls sideways"  # type: ignore[index]
    if name in KINDS:
        charts = page.tab.query_selector_all(".chart svg")
        assert len(charts) == 2
        text = page.tab.inner_text("main")
        assert "SLO" in charts[0].inner_html()
        assert "Policy as resolved" in text
        assert page.tab.query_selector_all("section tr.live")
    page.shoot(name)
    page.tab.reload()
    page.tab.wait_for_selector("main h1", state="attached")
    wrong = [text for text in page.complaints if "404" not in text or name != "nothing"]
    assert wrong == []
    _accessible(page)


def _accessible(page: Page) -> None:
    axe = os.environ.get("PAGE_AXE")
    if not axe:
        return
    # by evaluation, since the page's policy lets no foreign script in
    page.tab.evaluate(Path(axe).read_text("utf-8"))
    ran = page.tab.evaluate("axe.run()")
    assert len(ran["passes"]) > 10, "axe has looked"
    found = ran["violations"]
    told = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]
    assert told == []


def test_it_is_sorted_filtered_and_linked_to(wide: Page, url: str, site_world: SiteWorld) -> None:
    wide.open(url)
    tab = wide.tab
    assert len(wide.names()) == site_world.count
    tab.click("th button:has-text('Endpoint')")
    tab.wait_for_selector("th[aria-sort=ascending]:has-text('Endpoint')")
    assert wide.names() == sorted(wide.names())
    tab.keyboard.press("/")
    tab.keyboard.type("checkout")
    tab.wait_for_selector("tbody tr:only-child a.name")
    assert "q=checkout" in tab.url
    assert "sort=name" in tab.url
    again = tab.url
    tab.goto("about:blank")
    tab.goto(again)
    tab.wait_for_selector("a.name")
    assert wide.names() == ["checkout-ocr"]
    assert tab.input_value("#q") == "checkout"
    tab.click("a.name")
    tab.wait_for_selector("h1:has-text('checkout-ocr')")
    tab.go_back()
    tab.wait_for_selector("a.name")
    assert wide.names() == ["checkout-ocr"]


def test_by_keyboard_alone(wide: Page, url: str) -> None:
    wide.open(url, "#/?sort=name")
    tab = wide.tab
    tab.focus("a.name")
    tab.keyboard.press("ArrowDown")
    second = wide.names()[1]
    assert tab.evaluate("document.activeElement.textContent") == second
    tab.keyboard.press("Enter")
    tab.wait_for_selector(f"h1:has-text('{second}')")
    assert tab.evaluate("document.activeElement.id") == "main", "a new view is announced"
    tab.focus("input[type=range]")
    before = tab.inner_text(".picked")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text(".picked") != before


def test_what_the_api_tells_never_becomes_markup(
    wide: Page, url: str, site_world: SiteWorld
) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"

    def poisoned(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        for row in body["items"]:
            row["message"] = row["name"] = row["reason"] = evil
        route.fulfill(response=answer, json=body)

    wide.tab.route("**/api/v1/endpoints?*", poisoned)
    wide.tab.on("dialog", lambda dialog: wide.complaints.append(dialog.message))
    wide.open(url)
    assert wide.names()[0] == evil
    assert wide.tab.query_selector_all("main img, main script") == []
    assert wide.complaints == []


def test_it_says_when_it_is_not_up_to_date(wide: Page, url: str, site_world: SiteWorld) -> None:
    wide.open(url)
    wide.tab.route("**/api/v1/**", lambda route: route.abort())
    wide.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    wide.tab.wait_for_selector("#fresh:has-text('Not up to date')")
    assert len(wide.names()) == site_world.count, "what was shown stays"


def test_five_thousand_endpoints_are_there_within_a_second(
    wide: Page, crowd: str, record_property: Callable[[str, object], None]
) -> None:
    """The best of a few loads: the machine may be busy with other tests, the page is not."""
    took = []
    for _ in range(5):
        wide.tab.goto("about:blank")
        wide.tab.goto(f"{crowd}/")
        wide.tab.wait_for_selector("a.name")
        painted = wide.tab.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )
        took.append((wide.tab.evaluate("performance.now()"), painted))
    assert wide.tab.inner_text(".tile strong").startswith("5,000")
    assert len(wide.names()) == 100
    record_property("rows and first paint after, ms", took)
    assert min(rows for rows, _ in took) < FIRST_CONTENT_MS
    wide.tab.click("button:has-text('Next')")
    wide.tab.wait_for_selector("span:has-text('Page 2 of 50')")
    wide.shoot("crowd")
