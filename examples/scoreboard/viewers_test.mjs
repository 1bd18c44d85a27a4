// The viewers as a program, against hubs that keep the promise and hubs that break it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const kViewers = fileURLToPath(new URL('viewers.mjs', import.meta.url));

function block(position, seq, last = false) {
  return `id: e-${position}\ndata: ${JSON.stringify({ match: 'm01', seq, last })}\n\n`;
}

const kWhole = [block(3, 1), block(5, 2), block(9, 3, true)];

// A hub whose stream is what `blocks_after(last_event_id)` gives; with `ends` it is then cut.
async function run_viewers(t, { blocks_after, ends = false, status = 200, options = [] }) {
  const hub = http.createServer((request, response) => {
    response.writeHead(status, { 'content-type': 'text/event-stream' });
    response.write('retry: 1\n\nevent: carillon.cursor\nid: e-0\ndata:\n\n');
    response.write(blocks_after(request.headers['last-event-id']).join(''));
    if (ends) response.end();
  });
  t.after(() => { hub.closeAllConnections(); hub.close(); });
  await once(hub.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${hub.address().port}`;
  const viewers = spawn(process.execPath, [kViewers, '--url', url, '--viewers', '3',
    '--expect', '3', ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let line = '';
  viewers.stdout.setEncoding('utf8').on('data', (text) => { line += text; });
  const [code] = await once(viewers, 'close');
  return { line, code };
}

test('viewers that are given everything once and in order end with 0', async (t) => {
  const { line, code } = await run_viewers(t, { blocks_after: () => kWhole });

  assert.match(line, /^3 viewers x 3 events in .* s: 9 given, 0 resumed, 0 lost, 0 repeated/);
  assert.equal(code, 0);
});

test('viewers resume at the cursor of their last event', async (t) => {
  const rest = { undefined: [kWhole[0]], 'e-3': [kWhole[1]], 'e-5': [kWhole[2]] };

  const { line, code } = await run_viewers(t, { blocks_after: (id) => rest[id], ends: true });

  assert.match(line, /9 given, 6 resumed, 0 lost, 0 repeated/);
  assert.equal(code, 0);
});

test('viewers that are told to cut their connections resume by themselves', async (t) => {
  const positions = { undefined: 0, 'e-3': 1, 'e-5': 2, 'e-9': 3 };

  const { line, code } = await run_viewers(t, {
    blocks_after: (id) => kWhole.slice(positions[id]), options: ['--cut'],
  });

  assert.match(line, /9 given, 3 resumed, 0 lost, 0 repeated/);
  assert.equal(code, 0);
});

test('an event that is lost ends the viewers with 1', async (t) => {
  const { line, code } = await run_viewers(t, { blocks_after: () => [kWhole[0], kWhole[2]] });

  assert.match(line, /3 lost/);
  assert.equal(code, 1);
});

test('an event that comes twice ends the viewers with 1', async (t) => {
  const { line, code } = await run_viewers(t, { blocks_after: () => [kWhole[0], ...kWhole] });

  assert.match(line, /3 repeated/);
  assert.equal(code, 1);
});

test('a gap ends the viewers with 1, though nothing else was wrong', async (t) => {
  const gap = 'event: carillon.gap\nid: e-0\ndata: {"reason":"epoch"}\n\n';

  const { line, code } = await run_viewers(t, { blocks_after: () => [gap, ...kWhole] });

  assert.match(line, /3 gaps/);
  assert.equal(code, 1);
});

test('a hub that refuses viewers for good is named with its status', async (t) => {
  const { line, code } = await run_viewers(t, { blocks_after: () => [], status: 403 });

  assert.match(line, /3 unfinished.*refused with 403/);
  assert.equal(code, 1);
});
