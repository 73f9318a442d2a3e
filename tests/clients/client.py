"""The same conversation by each of Python's clients; says which library is missing.

No early hints for those that use http.client: it takes 103 for the answer.
"""
import asyncio
import importlib
import sys
import urllib.request

BASE = sys.argv[1]
BODY = b'b' * 300_000


def pieces():
    for _ in range(30):
        yield b'b' * 10_000


def use_urllib(_):
    read = lambda request: urllib.request.urlopen(request, timeout=10).read()
    assert read(BASE + '/text') == b'GET /text'
    assert len(read(BASE + '/long')) == 1_000_000
    assert read(BASE + '/stream') == b'one two three'
    assert read(urllib.request.Request(BASE + '/echo', BODY, method='PUT')) == b'PUT 300000'
    chunked = urllib.request.Request(BASE + '/echo', pieces(), method='POST')
    assert read(chunked) == b'POST 300000'


def use_requests(requests):
    with requests.Session() as session:
        for _ in range(2):
            assert session.get(BASE + '/text', timeout=10).text == 'GET /text'
            assert session.get(BASE + '/stream', timeout=10).text == 'one two three'
            assert session.post(BASE + '/echo', data=BODY, timeout=10).text == 'POST 300000'
            assert session.put(BASE + '/echo', data=pieces(), timeout=10).text == 'PUT 300000'
            assert session.get(BASE + '/away', timeout=10).text == 'GET /text'
            assert session.head(BASE + '/long', timeout=10).status_code == 200


def use_urllib3(urllib3):
    pool = urllib3.PoolManager(timeout=10)
    for _ in range(2):
        assert pool.request('GET', BASE + '/text').data == b'GET /text'
        assert pool.request('GET', BASE + '/stream').data == b'one two three'
        assert pool.request('POST', BASE + '/echo', body=BODY).data == b'POST 300000'
        assert pool.request('PUT', BASE + '/echo', body=pieces(), chunked=True).data == b'PUT 300000'
        assert pool.request('GET', BASE + '/nothing').status == 204


def use_httpx(httpx):
    with httpx.Client(timeout=10) as client:
        for _ in range(2):
            assert client.get(BASE + '/text').text == 'GET /text'
            assert client.get(BASE + '/stream').text == 'one two three'
            assert client.post(BASE + '/echo', content=BODY).text == 'POST 300000'
            assert client.put(BASE + '/echo', content=pieces()).text == 'PUT 300000'
            assert client.get(BASE + '/hints').text == 'hinted'


def use_aiohttp(aiohttp):
    async def talk():
        async with aiohttp.ClientSession() as session:
            async def text(method, path, **options):
                async with session.request(method, BASE + path, **options) as answer:
                    return await answer.text()

            async def slowly():
                for piece in pieces():
                    yield piece

            assert await text('GET', '/stream') == 'one two three'
            assert await text('POST', '/echo', data=BODY) == 'POST 300000'
            assert await text('PUT', '/echo', data=slowly(), expect100=True) == 'PUT 300000'
            six = await asyncio.gather(*(text('GET', '/long') for _ in range(6)))
            assert [len(long) for long in six] == [1_000_000] * 6

    asyncio.run(talk())


failed = False
for name, use in [('urllib', use_urllib), ('requests', use_requests), ('urllib3', use_urllib3),
                  ('httpx', use_httpx), ('aiohttp', use_aiohttp)]:
    try:
        library = importlib.import_module('urllib.request' if name == 'urllib' else name)
    except ImportError:
        print(f'SKIPPED: there is no {name} for this python3')
        continue
    try:
        use(library)
        print(f'ok: {name}')
    except Exception as error:
        failed = True
        print(f'FAILED: {name}: {error!r}')
sys.exit(failed)
