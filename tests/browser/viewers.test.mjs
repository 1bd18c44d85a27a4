// Two thousand viewers beside the browser: what each is given of a season that is being played.
//
//   CARILLON_BIN=build/release/carillon npm run test:browser
//
// The hub and the viewers' program each need 2,100 open files.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { launch_chromium } from './chromium.mjs';
import { Demo } from './demo_hub.mjs';
import {
  assert_shows, connection_is, expected_table, kOver, open_scoreboard, season_is_over, shown_on,
} from './scoreboard_page.mjs';

const kViewersProgram = new URL('../../examples/scoreboard/viewers.mjs', import.meta.url);
const kViewers = 2_000;
const kSecondsMax = 120;

// Season seconds in a second. The season has 150,000.
const kStandingStill = 0.001;
const kWithinSeconds = 15_000;

let browser;

before(async () => {
  browser = await launch_chromium();
});

after(() => browser?.close());

// Resolves to { code, said } when the program has ended, which it does by itself.
function run_viewers(url) {
  const words = [fileURLToPath(kViewersProgram), '--url', url, '--viewers', String(kViewers),
    '--seconds', String(kSecondsMax)];
  return new Promise((resolve) => {
    execFile(process.execPath, words, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, said: stdout + stderr });
    });
  });
}

// Resolves when the hub has that many streams open.
async function readers_are(hub, count) {
  const end = performance.now() + kSecondsMax * 1_000;
  let readers = 0;
  while (readers < count) {
    assert.ok(performance.now() < end, `only ${readers} of ${count} readers are there`);
    const answer = await fetch(`${hub.url}/v1/stats`);
    assert.equal(answer.status, 200);
    ({ readers } = await answer.json());
  }
}

test('2,000 viewers and a browser are each given the whole season over a kill -9', async (t) => {
  const demo = await Demo.start(t, kStandingStill);
  const { page, errors } = await open_scoreboard(browser, t, demo);
  const viewers = run_viewers(demo.url);
  await readers_are(demo, kViewers + 1);

  await demo.end('SIGKILL');
  await demo.start(kWithinSeconds);
  const { code, said } = await viewers;
  await season_is_over(page);

  assert.equal(code, 0, said);
  assert.match(said, new RegExp(`^${kViewers} viewers x ${kOver.length} events in [0-9.]+ s: ` +
    `${kViewers * kOver.length} given, ${kViewers} resumed, 0 lost, 0 repeated, 0 malformed, ` +
    '0 gaps, 0 unfinished, 0 matches without end\n$'));
  await connection_is(page, 'live');
  assert_shows(await shown_on(page), kOver);
  const [champion] = expected_table(kOver.filter((data) => data.last));
  assert.equal(await page.textContent('#champion-name'), champion.club);
  assert.deepEqual(await demo.stored(), kOver);
  // The browser itself reports each try to reach a hub that is not there.
  assert.deepEqual(errors.filter((error) => !/net::ERR_/.test(error)), []);
});
