"""A supervised stack of tiny services, run as a process by the tests: `python -m ... HOME PORT PORT`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from discloop.home import Home
from discloop.stack import environment, state
from discloop.stack.services import Service
from discloop.stack.supervisor import Supervisor

START_LIMIT_S = 10.0


class Ready(BaseHTTPRequestHandler):
    """Answers every GET with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to log."""


def serve(port: int) -> None:
    """A service with a child in a session of its own, as a trainer has; stands still once if told to."""
    hang = Path(f"hang-{port}")
    if hang.exists():
        hang.unlink()
        time.sleep(600)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    Path(f"child-{port}").write_text(str(child.pid))
    HTTPServer(("127.0.0.1", port), Ready).serve_forever()


def supervise(home: Home, ports: list[int]) -> None:
    """Two services that serve, or with port 0 one that ends at once."""
    home.create()
    services = [
        Service(
            name=f"tiny-{port}",
            title=f"Tiny {port}",
            command=(sys.executable, "-m", "tests.discloop.stack.tiny_stack", "serve", str(port)),
            environment=environment.common() | {"PYTHONPATH": str(Path(__file__).parents[3])},
            url=f"http://127.0.0.1:{port}",
            log=home.logs / f"{port}.log",
        )
        for port in ports
    ]
    with state.held(home):
        Supervisor(home, services, start_limit_s=START_LIMIT_S).run()


def _refuse() -> None:
    sys.exit("expected a secret, found none")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        if int(sys.argv[2]) == 0:
            _refuse()
        serve(int(sys.argv[2]))
    else:
        from discloop import cli

        # As in a terminal; what is started in the background inherits that Ctrl-C is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.COMMANDS.clear()
        cli.COMMANDS["tiny"] = cli.Command("tests.discloop.stack.tiny_command", "app", "cli", "")
        cli.main(["tiny", *sys.argv[2:]])
