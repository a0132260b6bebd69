"""moto, an AWS of others, on 127.0.0.1; started by emulators.mjs.

usage: moto_server.py PORT CLOCK_PORT

PORT answers as AWS. A request to CLOCK_PORT with ?ms=N puts the clock of its SQS ahead by N more
milliseconds, so that nobody has to wait until a message is visible again.
"""
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

os.environ.setdefault('AWS_EC2_METADATA_DISABLED', 'true')

from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: E402
from moto.sqs import models  # noqa: E402

import moto_kms  # noqa: E402 (stands beside this file)

moto_kms.install()

ahead_ms = 0
real_seconds, real_millis = models.unix_time, models.unix_time_millis
models.unix_time = lambda at=None: real_seconds(at) + ahead_ms / 1000
models.unix_time_millis = lambda at=None: real_millis(at) + ahead_ms


class Clock(BaseHTTPRequestHandler):
    def do_GET(self):
        global ahead_ms
        ahead_ms += int(parse_qs(urlparse(self.path).query)['ms'][0])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{}')

    def log_message(self, *_):
        pass


port, clock_port = int(sys.argv[1]), int(sys.argv[2])
clock = HTTPServer(('127.0.0.1', clock_port), Clock)
ThreadedMotoServer('127.0.0.1', port, verbose=False).start()
print('ready', flush=True)
clock.serve_forever()
