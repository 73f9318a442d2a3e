"""CPython's own ThreadingHTTPServer: a thread for each connection, and one that runs at a time.

    python3 server.py PORT
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BIG = b"x" * (1 << 20)


class Peer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each answer, sent as a head and a body, would wait for the client's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self):
        if self.path == "/sleep10":
            time.sleep(0.010)
        elif self.path == "/sleep100":
            time.sleep(0.100)
        self.text(BIG if self.path == "/big" else b"Hello, world!")

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        if self.path == "/upload":
            count = 0
            while count < left:
                count += len(self.rfile.read(min(left - count, 65536)))
            self.text(str(count).encode())
        else:
            self.text(self.rfile.read(left))

    def text(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 4096


Server(("127.0.0.1", int(sys.argv[1])), Peer).serve_forever()
