"""A headless Chromium that tells what a report page did: its errors, its requests, what it drew."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_OF_THE_DRIVER = ("software WebGL", "GL Driver Message")  # words of a machine without a graphics card
#: Only the rows in sight are drawn, so all are seen by whoever scrolls from the top to the end.
_ROWS = """
const table = document.getElementById(arguments[0]), box = table.closest(".table-box"), seen = new Map();
for (let top = 0; ; top += box.clientHeight / 2) {
  box.scrollTop = top;
  box.dispatchEvent(new Event("scroll"));
  const rows = table.querySelectorAll("tr[data-structure]");
  for (const row of rows) seen.set(Number(row.getAttribute("aria-rowindex")), row.dataset.structure);
  if (top + box.clientHeight >= box.scrollHeight) break;
}
box.scrollTop = 0;
return [...seen.keys()].sort((a, b) => a - b).map((at) => seen.get(at));
"""


def browser_paths() -> tuple[str, str]:
    """Return Chromium and its driver, or skip; where MATSIFT_REQUIRE_BROWSER is set their absence is a failure."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if chromium and driver:
        return chromium, driver
    reason = "needs Chromium and chromedriver (Debian: apt-get install chromium chromium-driver)"
    if os.environ.get("MATSIFT_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


class Browser:
    """One browser with a fresh profile."""

    def __init__(self, profile: Path) -> None:
        chromium, driver = browser_paths()
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))

    def open(self, page: Path, *, width: int, height: int = 900, dark: bool = False, plots: int) -> None:
        """Show a page in a window of this inner size and wait until its script has drawn so many plots."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}  # nothing turns on and on, which costs a core
        self.devtools("Emulation.setEmulatedMedia", features=[scheme, motion])
        self.driver.get("about:blank")
        self.log("browser")
        self.log("performance")
        self.driver.get(page.as_uri())
        WebDriverWait(self.driver, 60).until(
            lambda _: self.run("return document.documentElement.dataset.drawn") == str(plots)
        )

    def run(self, script: str, *arguments: object) -> Any:
        """Return what a script returns in the page."""
        return self.driver.execute_script(script, *arguments)

    def rows(self, table: str = "table-ranked") -> list[str]:
        """Return the structures of a candidate table from its first row to its last, scrolling through it."""
        return list(self.run(_ROWS, table))

    def devtools(self, command: str, **parameters: object) -> Any:
        """Return the answer of a DevTools command."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return the entries of one of the browser's logs since it was last asked for."""
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call]

    def errors(self) -> list[str]:
        """Return what the page wrote to the console since it was opened: errors, warnings, refused policy."""
        messages = [entry["message"] for entry in self.log("browser")]
        return [message for message in messages if not any(word in message for word in _OF_THE_DRIVER)]

    def requests(self) -> list[str]:
        """Return the schemes of everything that the page asked for since it was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return sorted({url.split(":", 1)[0] for url in urls})

    def screenshot(self, target: Path) -> bytes:
        """Return a picture of the whole page as PNG, and leave it in a file."""
        width, height = self.run("const d = document.documentElement; return [d.clientWidth, d.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        answer = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        picture = base64.b64decode(answer["data"])
        target.write_bytes(picture)
        return picture

    def close(self) -> None:
        """End the browser and its driver."""
        self.driver.quit()
