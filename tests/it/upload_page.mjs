// Uses the example `upload_page` as a person would: node upload_page.mjs URL FOLDER
//
// Chromium chooses a picture and presses the button. Prints what the page showed, as JSON, and
// leaves a screenshot in the folder. The browser is told by its debugging protocol, through a pipe.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

const [url, folder] = process.argv.slice(2);
const profile = mkdtempSync(join(folder, 'profile-'));
const browser = spawn(process.env.CHROMIUM ?? 'chromium', [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
  '--no-proxy-server', '--window-size=900,600', `--user-data-dir=${profile}`,
  '--remote-debugging-pipe', 'about:blank',
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
const [, , , toBrowser, fromBrowser] = browser.stdio;

const waiting = new Map();
let received = '', last = 0;
fromBrowser.on('data', piece => {
  const messages = (received + piece).split('\0');
  received = messages.pop();
  for (const message of messages.map(text => JSON.parse(text))) {
    const answer = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) answer?.reject(new Error(JSON.stringify(message.error)));
    else answer?.resolve(message.result);
  }
});

function call(method, params = {}, sessionId = undefined) {
  toBrowser.write(JSON.stringify({ id: ++last, method, params, sessionId }) + '\0');
  return new Promise((resolve, reject) => waiting.set(last, { resolve, reject }));
}

/** A picture of noise: PNG cannot make it small, so that the upload takes a while. */
function picture(width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  let random = 1;
  for (let at = 0; at < rows.length; at++) {
    random = Math.imul(random, 1664525) + 1013904223 | 0;
    rows[at] = at % (width * 3 + 1) === 0 ? 0 : random >>> 24;
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]), frame = Buffer.alloc(8);
    let crc = -1;
    for (const byte of body) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    frame.writeUInt32BE(data.length, 0);
    frame.writeInt32BE(~crc, 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat(
    [signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

try {
  const file = join(folder, 'noise "1".png');
  writeFileSync(file, picture(800, 600));
  const { targetId } = await call('Target.createTarget', { url });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  const evaluate = async expression => {
    const { result } = await call('Runtime.evaluate', { expression, returnByValue: true }, sessionId);
    return result.value;
  };
  const until = async expression => {
    // A reload in between leaves nobody to answer.
    while (!await evaluate(expression).catch(() => false)) await new Promise(next => setTimeout(next, 20));
  };

  await until(`document.readyState === 'complete' && !!document.querySelector('form')`);
  await evaluate(`sessionStorage.seen = '';
    const bar = document.querySelector('progress');
    new MutationObserver(() => sessionStorage.seen += bar.value + ' ').observe(bar, { attributes: true })`);
  const { root } = await call('DOM.getDocument', {}, sessionId);
  const { nodeId } = await call('DOM.querySelector', { nodeId: root.nodeId, selector: 'input' }, sessionId);
  await call('DOM.setFileInputFiles', { nodeId, files: [file] }, sessionId);
  await evaluate(`document.querySelector('button').click()`);
  await until(`document.querySelector('figure img')?.naturalWidth > 0`);
  const shown = await evaluate(`({
    progress: sessionStorage.seen.trim().split(' ').map(Number),
    width: document.querySelector('figure img').naturalWidth,
    thumbnail: document.querySelector('figure img').getBoundingClientRect().height,
    caption: document.querySelector('figcaption').textContent })`);
  const { data } = await call('Page.captureScreenshot', { format: 'png' }, sessionId);
  writeFileSync(join(folder, 'upload_page.png'), Buffer.from(data, 'base64'));
  console.log(JSON.stringify(shown));
} finally {
  await call('Browser.close').catch(() => {});
  await new Promise(gone => browser.once('exit', gone));
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
