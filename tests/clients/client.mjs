// Node's fetch.
const base = process.argv[2];
const text = async (path, options) => (await fetch(base + path, options)).text();
const expect = (found, expected) => {
  if (found !== expected) throw new Error(`${found} is not ${expected}`);
};
for (let round = 0; round < 2; round += 1) {
  expect(await text('/text'), 'GET /text');
  expect(await text('/stream'), 'one two three');
  expect(await text('/echo', { method: 'POST', body: 'b'.repeat(300000) }), 'POST 300000');
  const body = new ReadableStream({
    start(controller) {
      for (let piece = 0; piece < 30; piece += 1) controller.enqueue(new Uint8Array(10000));
      controller.close();
    },
  });
  expect(await text('/echo', { method: 'PUT', body, duplex: 'half' }), 'PUT 300000');
  expect((await fetch(`${base}/nothing`)).status, 204);
  const six = await Promise.all([1, 2, 3, 4, 5, 6].map(() => text('/long')));
  for (const long of six) expect(long.length, 1000000);
}
