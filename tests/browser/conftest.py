"""A real browser that may ask nobody, and pages opened in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Without a sandbox, which needs rights that a container has not; and silent towards its maker.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (360, 780)
DESK = (1200, 900)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: HARNESS_BROWSER, or the first of the usual names."""
    found = os.environ.get("HARNESS_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no browser: make browser installs one, or set HARNESS_BROWSER"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens HTML as a file, in a window and a colour scheme; complaints and requests of the page fail the test."""
    contexts, complaints, asked = [], [], []
    file = tmp_path / "page.html"

    def opened(html: str, *, size: tuple[int, int] = DESK, scheme: str = "light") -> Page:
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri(), wait_until="load")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} <= {file.as_uri()}, "the page asked somebody"
