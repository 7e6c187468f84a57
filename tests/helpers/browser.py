"""A real headless browser, Chromium or Chrome, over its DevTools pipe: pages are opened, asked and looked at.

No driver and no package is needed: messages are JSON, each ended by a zero byte, on descriptors 3 and 4
(https://chromedevtools.github.io/devtools-protocol).
"""

import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import time
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 60  # that an answer may take


def browser_path() -> str | None:
    """Where a browser is, or `None`; `CHROME_BIN` comes first."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROME_BIN", ""), *_NAMES))), None)


needs_browser = pytest.mark.skipif(
    os.name != "posix" or browser_path() is None,
    reason=f"a browser is needed, none of {', '.join(_NAMES)} is in PATH: apt-get install chromium, or set CHROME_BIN",
)


class Browser:
    """A browser with one page.

    Args:
        folder: an empty one, for its profile.

    Attributes:
        errors: what the page's scripts and the browser complained of, in words.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.errors: list[str] = []
        self._count, self._rest, self._events = 0, b"", []
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]  # out of the way of 3 and 4

        def arrange():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
        words = [browser_path(), *options, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(words, pass_fds=(3, 4), preexec_fn=arrange, **quiet)
        for end in (theirs_in, theirs_out, *ends):
            os.close(end)
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(SECONDS)
        os.close(self._to)
        os.close(self._from)

    def open(self, url: str, *, width: int = 1024, height: int = 800, dark: bool = False) -> None:
        """Open a page in a window of so many pixels, a phone's where it is narrow, and wait until it is there."""
        self.errors.clear()
        narrow = width < 600
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=narrow)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self.ask("Page.navigate", url=url)
        self._wait(lambda: any(event["method"] == "Page.loadEventFired" for event in self._events))

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, or what it promises."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise AssertionError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def screenshot(self, path: pathlib.Path, *, whole: bool = False) -> None:
        """Write what is seen, or the whole page, as PNG."""
        found = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def ask(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol on the page."""
        return self._ask(method, self._session, **parameters)

    def _ask(self, method, session=None, **parameters):
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        found = {}
        number = self._count
        self._wait(lambda: number in found, found)
        if "error" in found[number]:
            raise AssertionError(f"{method}: {found[number]['error']}")
        return found[number]["result"]

    def _wait(self, there, found=None):
        """Take messages until something is there."""
        end = time.monotonic() + SECONDS
        while not there():
            ready, _, _ = select.select([self._from], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("The browser did not answer.")
            part = os.read(self._from, 1 << 20)
            if not part:
                raise AssertionError(f"The browser has ended, with {self._process.poll()}.")
            *whole, self._rest = (self._rest + part).split(b"\0")
            for one in map(json.loads, whole):
                if "id" in one:
                    (found if found is not None else {})[one["id"]] = one
                else:
                    self._events.append(one)
                    self._note(one["method"], one["params"])

    def _note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert", "warning"):
            self.errors.append(" ".join(str(part.get("value")) for part in parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append(parameters["entry"]["text"])
        elif method == "Network.loadingFailed":
            self.errors.append(f"not loaded: {parameters['errorText']}")
