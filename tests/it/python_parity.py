"""Python's own server, with the handler that python_parity.rs has in Rust."""

import os
import socketserver
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        word, *rest = self.path.lstrip('/').split('/')
        if word == 'error':
            self.send_error(int(rest[0]), *rest[1:])
        elif word == 'status':
            self.send_response(int(rest[0]), *rest[1:])
            self.send_header('Content-Length', '0')
            self.end_headers()
        elif word == 'close':
            self.send_response(200)
            self.send_header('Connection', 'close')
            self.send_header('Content-Length', '0')
            self.end_headers()
        else:
            lines = [self.command, self.path, self.request_version]
            lines += [f'{name}={value}' for name, value in self.headers.items()]
            self.answer('\n'.join(lines).encode('utf-8'))

    do_HEAD = do_GET

    def do_POST(self):
        if self.path == '/unread':
            self.answer(b'unread')
        else:
            self.answer(self.rfile.read(int(self.headers.get('Content-Length', 0))))

    def answer(self, body):
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; charset=utf-8')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def server_bind(self):
        # Without the look-up of a host name.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, *_):
        pass


server = Server(('127.0.0.1', 0), Handler)
print(os.getpid(), server.server_address[1], flush=True)
server.serve_forever()
