"""python-multipart behind http.server: its parser with callbacks, which keep nothing."""

from http.server import BaseHTTPRequestHandler, HTTPServer

from python_multipart.multipart import MultipartParser, parse_options_header


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        count = size = 0

        def begin():
            nonlocal count
            count += 1

        def data(_, start, end):
            nonlocal size
            size += end - start

        _, options = parse_options_header(self.headers['Content-Type'])
        parser = MultipartParser(options[b'boundary'], {'on_part_begin': begin, 'on_part_data': data})
        left = int(self.headers['Content-Length'])
        while left:
            piece = self.rfile.read1(min(left, 64 * 1024))
            left -= len(piece)
            parser.write(piece)
        parser.finalize()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'{count} {size}'.encode())

    def log_message(self, *_):
        pass


server = HTTPServer(('127.0.0.1', 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
