"""The page in a real browser, against a real controller: drawn, usable, fast, accessible.

Needs Chromium, which `make test` installs where it may (`tools/browser`). Screenshots are
kept in the folder that PAGE_SCREENSHOTS names.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from site_world import BUDGETED, Crowd, SiteWorld, served

from controller.web.doors import Doors
from controller.web.listener import Listener

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
CONTRAST = {"runOnly": ["color-contrast"]}
ALL_ELSE = {"rules": {"color-contrast": {"enabled": False}}}
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Until pictures are drawn anew for another width."""
WHEN_ROWS_ARE_THERE = """
new MutationObserver((_, observer) => {
  if (document.querySelector("a.name")) {
    window.rowsAfterMs = performance.now();
    observer.disconnect();
  }
}).observe(document, { childList: true, subtree: true });
"""
MANY = 5000
FIRST_CONTENT_MS = 1000.0
WIDE = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}
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
def browser(program: Callable[[str], str]) -> Iterator[Any]:
    path = program("chromium")
    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=path, args=QUIET.split())
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

    def __init__(self, browser: Any) -> None:
        self.context = browser.new_context(viewport=WIDE, color_scheme="light")
        self.tab = self.context.new_page()
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

    def fits(self) -> bool:
        """Whether nothing scrolls sideways."""
        width = self.tab.evaluate("document.documentElement.scrollWidth")
        return bool(width <= self.tab.viewport_size["width"])

    def barriers(self, **options: Any) -> list[str]:
        """What axe finds, rule by rule."""
        # by evaluation, since the page's policy lets no foreign script in
        self.tab.evaluate(f"window.axe || (() => {{ {AXE} }})()")
        ran = self.tab.evaluate("options => axe.run(options)", options)
        assert ran["passes"], "axe has looked"
        return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in ran["violations"]]

    def shoot(self, name: str) -> None:
        folder = os.environ.get("PAGE_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.tab.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    opened = Page(browser)
    yield opened
    opened.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_drawn_fits_and_is_accessible(page: Page, url: str, name: str) -> None:
    page.open(url, PAGES[name])
    if name in KINDS:
        charts = page.tab.query_selector_all(".chart svg")
        assert len(charts) == 2
        assert "SLO" in charts[0].inner_html()
        assert ("Budget $400" in charts[0].inner_html()) is (BUDGETED in KINDS[name])
        assert "Policy as resolved" in page.tab.inner_text("main")
        assert page.tab.query_selector_all("section tr.live")
    assert page.fits()
    assert page.barriers() == []
    page.shoot(f"{name}-light")
    page.tab.emulate_media(color_scheme="dark")
    assert page.barriers(**CONTRAST) == []
    page.shoot(f"{name}-dark")
    page.tab.emulate_media(color_scheme="light")
    page.tab.set_viewport_size(PHONE)
    page.tab.evaluate(TWO_FRAMES)
    assert page.fits()
    assert page.barriers(**ALL_ELSE) == []
    page.shoot(f"{name}-phone")
    wrong = [text for text in page.complaints if "404" not in text or name != "nothing"]
    assert wrong == []


def test_it_is_sorted_filtered_and_linked_to(page: Page, url: str, site_world: SiteWorld) -> None:
    page.open(url)
    tab = page.tab
    assert len(page.names()) == site_world.count
    tab.click("th button:has-text('Endpoint')")
    tab.wait_for_selector("th[aria-sort=ascending]:has-text('Endpoint')")
    assert page.names() == sorted(page.names())
    tab.keyboard.press("/")
    tab.keyboard.type("checkout")
    tab.wait_for_selector("tbody tr:only-child a.name")
    assert "q=checkout" in tab.url
    assert "sort=name" in tab.url
    again = tab.url
    tab.goto("about:blank")
    tab.goto(again)
    tab.wait_for_selector("a.name")
    assert page.names() == ["checkout-ocr"]
    assert tab.input_value("#q") == "checkout"
    tab.click("a.name")
    tab.wait_for_selector("h1:has-text('checkout-ocr')")
    tab.go_back()
    tab.wait_for_selector("a.name")
    assert page.names() == ["checkout-ocr"]


def test_by_keyboard_alone(page: Page, url: str) -> None:
    page.open(url, "#/?sort=name")
    tab = page.tab
    tab.focus("a.name")
    tab.keyboard.press("ArrowDown")
    second = page.names()[1]
    assert tab.evaluate("document.activeElement.textContent") == second
    tab.keyboard.press("Enter")
    tab.wait_for_selector(f"h1:has-text('{second}')")
    assert tab.evaluate("document.activeElement.id") == "main", "a new view is announced"
    tab.focus("input[type=range]")
    before = tab.inner_text(".picked")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text(".picked") != before


def test_what_the_api_tells_never_becomes_markup(
    page: Page, url: str, site_world: SiteWorld
) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"

    def poisoned(route: Any) -> None:
        answer = route.fetch()
        body = answer.json()
        for row in body["items"]:
            row["message"] = row["name"] = row["reason"] = evil
        route.fulfill(response=answer, json=body)

    page.tab.route("**/api/v1/endpoints?*", poisoned)
    page.tab.on("dialog", lambda dialog: page.complaints.append(dialog.message))
    page.open(url)
    assert page.names()[0] == evil
    assert page.tab.query_selector_all("main img, main script") == []
    assert page.complaints == []


def test_it_says_when_it_is_not_up_to_date(page: Page, url: str, site_world: SiteWorld) -> None:
    page.open(url)
    page.tab.route("**/api/v1/**", lambda route: route.abort())
    page.tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.tab.wait_for_selector("#fresh:has-text('Not up to date')")
    assert len(page.names()) == site_world.count, "what was shown stays"


def test_five_thousand_endpoints_are_there_within_a_second(
    page: Page, crowd: str, record_property: Callable[[str, object], None]
) -> None:
    """As soon as one load is: the machine may be busy with other tests, the page is not."""
    page.tab.add_init_script(WHEN_ROWS_ARE_THERE)
    took_ms: list[float] = []
    deadline_s = time.monotonic() + 60.0
    while min(took_ms, default=math.inf) >= FIRST_CONTENT_MS:
        assert time.monotonic() < deadline_s, took_ms
        page.tab.goto("about:blank")
        page.tab.goto(f"{crowd}/")
        page.tab.wait_for_selector("a.name")
        took_ms.append(page.tab.evaluate("window.rowsAfterMs"))
    record_property("rows after, ms", took_ms)
    assert page.tab.inner_text(".tile strong").startswith("5,000")
    assert len(page.names()) == 100
    page.tab.click("button:has-text('Next')")
    page.tab.wait_for_selector("span:has-text('Page 2 of 50')")
    page.shoot("crowd-light")
