"""Python's cgi.FieldStorage behind http.server; it keeps everything, as it always does."""

import cgi
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        form = cgi.FieldStorage(fp=self.rfile, headers=self.headers, environ={'REQUEST_METHOD': 'POST'})
        size = 0
        for item in form.list:
            size += item.file.seek(0, os.SEEK_END)
        text = f'{len(form.list)} {size}'.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
