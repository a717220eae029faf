#!/usr/bin/env python3
"""A page as headless Chromium shows it, asked over the DevTools protocol on a pipe. No network.

    tools/browser.py PAGE.html 'document.title'

prints JSON: `value`, what the expression came to; `problems`, what the console said and what was refused;
`requests`, what the page asked for beside itself. Exit 69 if there is no Chromium."""

import base64, fcntl, json, os, pathlib, shutil, subprocess, sys, tempfile

FLAGS = """--headless --remote-debugging-pipe --disable-gpu --hide-scrollbars --no-first-run
  --disable-background-networking --disable-component-update --disable-dev-shm-usage --disable-crash-reporter
  --force-color-profile=srgb --font-render-hinting=none --disable-lcd-text --lang=en
  --proxy-server=127.0.0.1:9 --proxy-bypass-list=<-loopback>""".split()


def chromium():
    return shutil.which("chromium")


class Browser:
    """One Chromium with a profile of its own, both gone at the end of `with`."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="luaslack-browser-", ignore_cleanup_errors=True)
        (command, self.writing), (self.reading, answer) = os.pipe(), os.pipe()
        # Chromium reads from 3 and writes to 4, which may be in use here.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (command, answer)]

        def place():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        flags = FLAGS + [f"--user-data-dir={self.profile.name}"]
        # As root it cannot confine itself.
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        # Its wrapper looks for settings of the user's desktop.
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.profile.name, "TZ": "UTC", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            [chromium()] + flags, preexec_fn=place, close_fds=False, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in [command, answer] + ends:
            os.close(end)
        self.rest, self.number, self.session = b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(10)
        except (EOFError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        for end in (self.reading, self.writing):
            os.close(end)
        self.profile.cleanup()

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.reading, 1 << 16)
            if not more:
                raise EOFError("Chromium went away")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        rest = json.dumps(request).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.writing, rest):]
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def note(self, event):
        parameters = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self.is_loaded = True
            case "Runtime.consoleAPICalled":
                self.problems.append(" ".join(str(part.get("value")) for part in parameters["args"]))
            case "Runtime.exceptionThrown":
                self.problems.append(parameters["exceptionDetails"]["text"])
            case "Log.entryAdded":
                self.problems.append(parameters["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])

    def open(self, path, width=1240, height=900, scale=1):
        self.problems, self.requests, self.is_loaded = [], [], False
        self.call("Emulation.setDeviceMetricsOverride",
                  width=width, height=height, deviceScaleFactor=scale, mobile=False)
        address = pathlib.Path(path).absolute().as_uri()
        self.call("Page.navigate", url=address)
        while not self.is_loaded:
            self.note(self.message())
        self.requests = [request for request in self.requests if request != address]

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "it threw"))
        return answer["result"].get("value")

    def picture(self, selector):
        """A PNG of the first element that fits, with nothing behind it."""
        self.call("Emulation.setDefaultBackgroundColorOverride", color={"r": 0, "g": 0, "b": 0, "a": 0})
        self.value("document.body.style.background = 'none'")
        box = self.value(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
        clip = {key: box[key] for key in ("x", "y", "width", "height")} | {"scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


if __name__ == "__main__":
    if not chromium():
        sys.exit(69)
    with Browser() as browser:
        browser.open(sys.argv[1])
        value = browser.value(sys.argv[2])
        print(json.dumps({"value": value, "problems": browser.problems, "requests": browser.requests}))
