"""A real browser for the tests of the page: chromedriver's HTTP interface (W3C WebDriver), without another package."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
FLAGS = ("--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars "
         "--disable-component-update --disable-sync --disable-default-apps").split()  # fmt: skip
_here = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the path")


def needs_browser(test):
    """Marks a test `browser`, and skips it where chromium or chromedriver is not on the path."""
    return pytest.mark.browser(_here(test))


class Browser:
    """One window: opens a page, runs scripts, presses keys, tells what was logged and requested."""

    def __init__(self, address: str, folder: Path, width: int, dark: bool):
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={folder}", f"--window-size={width},900"]}
        always = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self._root = address
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": always}})
        self._session = f"/session/{made['sessionId']}"
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.chrome("Emulation.setDeviceMetricsOverride", size)
        self.chrome("Emulation.setEmulatedMedia", media(dark))

    def open(self, page: Path) -> None:
        """Opens a file and waits until its explorer stands."""
        self._call("POST", f"{self._session}/url", {"url": page.as_uri()})
        self.wait("return document.documentElement.dataset.explorer === 'ready'")

    def run(self, script: str):
        """What a script in the page returns."""
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def wait(self, script: str, seconds: float = 60) -> None:
        """Waits until a script in the page returns something true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"{script}: not true after {seconds} s; log: {self.log('browser')}"
            time.sleep(0.1)

    def keys(self, *keys: str) -> None:
        """Presses keys on whatever has the focus."""
        actions = [
            step for key in keys for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})
        ]
        body = {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}
        self._call("POST", f"{self._session}/actions", body)

    def pointer(self, x: float, y: float, click: bool = False) -> None:
        """Moves the mouse to a place in the window, and clicks."""
        actions: list[dict] = [{"type": "pointerMove", "x": int(x), "y": int(y), "duration": 20}]
        actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}] if click else []
        body = {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]}
        self._call("POST", f"{self._session}/actions", body)

    def log(self, kind: str) -> list[dict]:
        """Entries of a log since it was last read: `browser` or `performance`."""
        return self._call("POST", f"{self._session}/se/log", {"type": kind})

    def requests(self) -> list[str]:
        """The addresses that were asked for, those inside the page or the browser left out."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("data:", "blob:", "chrome:", "chrome-untrusted:"))]

    def chrome(self, command: str, parameters: dict):
        """A command of the DevTools protocol."""
        return self._call("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Writes a picture of the window, or of the whole page."""
        shot = self.chrome("Page.captureScreenshot", {"captureBeyondViewport": whole, "format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Ends the session."""
        self._call("DELETE", self._session)

    def _call(self, method: str, path: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:600]) from error


def media(dark: bool, kind: str = "screen") -> dict:
    """What Emulation.setEmulatedMedia takes for a scheme of colours and `screen` or `print`."""
    return {"media": kind, "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}


@contextlib.contextmanager
def browser(folder: Path, width: int = 1280, dark: bool = False) -> Iterator[Browser]:
    """A browser of a width in pixels, light or dark, that ends with the block."""
    assert DRIVER is not None
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
    process = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
                break
            time.sleep(0.1)
        window = Browser(f"http://127.0.0.1:{port}", folder / "profile", width, dark)
        try:
            yield window
        finally:
            window.close()
    finally:
        process.terminate()
        process.wait()
