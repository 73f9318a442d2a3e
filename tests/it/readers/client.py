"""Python's reader of answers: asks for each path, on one connection, and says what came."""
import http.client
import sys
import zlib

connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=10)
for request in sys.argv[2:]:
    method, path = request.split(' ')
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    print(answer.status, len(body), zlib.crc32(body), flush=True)
