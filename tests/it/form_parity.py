"""Reads forms with Python's own cgi.FieldStorage, for form_parity.rs.

A line for each form comes in: its content type and its body, in hexadecimal digits. A line goes out:
how it ended, and for each field name, file name and value; `-` is None.
"""

import cgi
import sys
from io import BytesIO


def shown(value):
    if value is None:
        return '-'
    return 'x' + (value if isinstance(value, bytes) else value.encode('utf-8', 'replace')).hex()


for line in sys.stdin:
    content_type, body = (bytes.fromhex(word[1:]) for word in line.split())
    headers = {'content-type': content_type.decode(), 'content-length': str(len(body))}
    try:
        form = cgi.FieldStorage(fp=BytesIO(body), headers=headers, environ={'REQUEST_METHOD': 'POST'})
    except Exception:
        print('refused')
        continue
    if form.list is None:
        print('single')
        continue
    ended = 'cut' if any(item.done == -1 for item in form.list if hasattr(item, 'done')) else 'whole'
    words = [ended]
    for item in form.list:
        is_list = isinstance(item.value, list)
        value = b'a list' if is_list else item.value
        words += [shown(item.name), shown(getattr(item, 'filename', None)), shown(value)]
    print(*words)
