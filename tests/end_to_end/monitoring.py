"""Prometheus, Alertmanager and a webhook on loopback, as real processes, with short times."""

import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML

T = TypeVar("T")
EVENTS = "/events"
"""Where the controller's own notifications are posted to."""


def until(look: Callable[[], T | None], what: str, patience_s: float) -> T:
    """What `look` finds, as soon as it finds something."""
    deadline_s = time.monotonic() + patience_s
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline_s, f"no {what} in {patience_s:g} s"
        time.sleep(0.1)


def free_port() -> int:
    """One that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Webhook:
    """Keeps what is posted: alerts of Alertmanager, with the path, and the controller's events."""

    def __init__(self) -> None:
        self.alerts: list[tuple[str, dict[str, Any]]] = []
        self.events: list[str] = []
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == EVENTS:
                    batch = body if isinstance(body, list) else [body]
                    webhook.events += [event["type"] for event in batch]
                else:
                    webhook.alerts += [(self.path, alert) for alert in body["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def seen(self, alert: str, **labels: str) -> dict[str, Any] | None:
        """The newest posting of an alert with these labels; `status` is one of them."""
        for _, posted in reversed(self.alerts):
            said = {**posted["labels"], "status": posted["status"]}
            if said["alertname"] == alert and labels.items() <= said.items():
                return posted
        return None

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Daemon:
    """A program that runs until closed; what it said goes to a file."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        with log.open("w") as out:
            self.child = subprocess.Popen(arguments, stdout=out, stderr=subprocess.STDOUT)

    def close(self) -> None:
        """End it."""
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def ready(self, url: str) -> None:
        """Wait until a page of it answers."""
        until(lambda: self._answers(url), f"answer from {url}", 30.0)

    def _answers(self, url: str) -> bool | None:
        assert self.child.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except OSError:
            return None


class Alertmanager(Daemon):
    """With the sample routing of the repository, its receivers pointed at a webhook."""

    def __init__(self, program: str, sample: Path, webhook: str, folder: Path) -> None:
        yaml = YAML()
        config = yaml.load(sample)
        _hurry(config["route"])
        for receiver in config["receivers"]:
            for hook in receiver.get("webhook_configs", ()):
                hook["url"] = webhook + urllib.parse.urlsplit(hook["url"]).path
        file = folder / "alertmanager.yml"
        with file.open("w") as out:
            yaml.dump(config, out)
        self.address = f"127.0.0.1:{free_port()}"
        arguments = [
            program,
            f"--config.file={file}",
            f"--web.listen-address={self.address}",
            f"--storage.path={folder / 'alertmanager'}",
            "--cluster.listen-address=",
        ]
        super().__init__(arguments, folder / "alertmanager.log")
        self.ready(f"http://{self.address}/-/ready")


def _hurry(route: dict[str, Any]) -> None:
    route |= {"group_wait": "200ms", "group_interval": "500ms"}
    for inner in route.get("routes", ()):
        _hurry(inner)


class Prometheus(Daemon):
    """Scrapes and evaluates twice a second."""

    def __init__(
        self, program: str, *, target: str, rules: Path, alertmanager: str, folder: Path
    ) -> None:
        config = {
            "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
            "scrape_configs": [
                {"job_name": "rightsizer", "static_configs": [{"targets": [target]}]}
            ],
            "rule_files": [str(rules)],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        }
        file = folder / "prometheus.yml"
        file.write_text(json.dumps(config))
        self.address = f"127.0.0.1:{free_port()}"
        arguments = [
            program,
            f"--config.file={file}",
            f"--web.listen-address={self.address}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
        ]
        super().__init__(arguments, folder / "prometheus.log")
        self.ready(f"http://{self.address}/-/ready")

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an instant query."""
        query = urllib.parse.urlencode({"query": expr})
        url = f"http://{self.address}/api/v1/query?{query}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])
