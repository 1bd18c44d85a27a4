// The scoreboard demo in a browser whose hub is killed, drained, cut off or loses its log.
//
//   CARILLON_BIN=build/release/carillon npm run test:browser

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { errors_of, launch_chromium } from './chromium.mjs';
import { CuttableWire } from './cuttable_wire.mjs';
import {
  Demo, kAtOnce, kInTwentySeconds, kStandingStill, kWithinSeconds,
} from './demo_hub.mjs';
import {
  assert_shows, connection_is, count_reaches, expected_from, kOver, open_scoreboard,
  season_is_over, shown_on,
} from './scoreboard_page.mjs';

let browser;

before(async () => {
  browser = await launch_chromium();
});

after(() => browser?.close());

for (const signal of ['SIGKILL', 'SIGTERM']) {
  test(`a page resumes at its cursor when the hub is restarted after ${signal}`, async (t) => {
    const demo = await Demo.start(t, kWithinSeconds);
    const { page, errors } = await open_scoreboard(browser, t, demo);
    const resumed_at = [];
    page.on('request', async (request) => {
      resumed_at.push((await request.allHeaders())['last-event-id']);
    });
    await count_reaches(page, 'received', 60);

    await demo.end(signal);
    await connection_is(page, 'reconnecting');
    const shown_in_between = await shown_on(page);
    await demo.start(kWithinSeconds);
    await season_is_over(page);
    await connection_is(page, 'live');

    const shown = await shown_on(page);
    assert.ok(Object.keys(shown_in_between.cards).length > 0, 'what was shown stays');
    assert.ok(shown.received >= shown_in_between.received);
    assert_shows(shown, kOver);
    assert.ok(resumed_at.some(Boolean), 'the browser handed its cursor back');
    // The browser itself reports each try to reach a hub that is not there.
    assert.deepEqual(errors.filter((error) => !/net::ERR_/.test(error)), []);
  });
}

test('a page resumes when the network comes back, after every cut', async (t) => {
  const demo = await Demo.start(t, kInTwentySeconds);
  const wire = await CuttableWire.to(demo.address);
  t.after(() => wire.remove());
  const { page, errors } = await open_scoreboard(browser, t, wire);

  for (let cuts = 1; cuts <= 3; cuts += 1) {
    await count_reaches(page, 'received', cuts * 40);
    wire.cut();
    await connection_is(page, 'reconnecting');
    wire.mend();
  }
  await season_is_over(page);
  await connection_is(page, 'live');

  assert_shows(await shown_on(page), kOver);
  assert.deepEqual(errors.filter((error) => !/net::ERR_/.test(error)), []);
});

test('a gap is said aloud, and what is left is read again', async (t) => {
  const demo = await Demo.start(t, kAtOnce);
  const asked = [];
  const context = await browser.newContext();
  t.after(() => context.close());
  await context.route(/conflate=key/, (route) => {
    asked.push(route.request().url());
    if (asked.length > 1) return route.continue();
    const stale = { ...kOver[0], match: 'm99', score: [9, 9] };
    return route.fulfill({
      contentType: 'text/event-stream',
      body: `retry: 20\n\nid: x-1\ndata: ${JSON.stringify(stale)}\n\n` +
        'event: carillon.gap\nid: x-1\ndata: {"reason":"expired","resumed":"x-1"}\n\n',
    });
  });
  const page = await context.newPage();
  const errors = errors_of(page);

  await page.goto(`${demo.url}/demo/scoreboard`);
  await season_is_over(page);

  const shown = await shown_on(page);
  assert.deepEqual(shown.table, expected_from(kOver).table);
  assert.equal(shown.gaps, 1);
  assert.equal(shown.results.m99, undefined, 'what was shown before the gap is gone');
  assert.ok(asked.every((url) => url.endsWith('after=first')));
  assert.match(await page.textContent('.notice'), /^Gap: events were removed from the log/);
  await page.click('.notice button');
  assert.equal(await page.locator('.notice').count(), 0);
  assert.deepEqual(errors, []);
});

test('a hub with another log makes the page say so and show that one', async (t) => {
  const demo = await Demo.start(t, kWithinSeconds);
  const { page } = await open_scoreboard(browser, t, demo);
  await count_reaches(page, 'received', 200);

  await demo.end('SIGKILL');
  await connection_is(page, 'reconnecting');
  demo.lose_log();
  await demo.start(kStandingStill);
  await count_reaches(page, 'gaps', 1);
  await connection_is(page, 'live');

  const { cards, results } = expected_from(await demo.stored());
  const shown = await shown_on(page);
  assert.deepEqual({ cards: shown.cards, results: shown.results }, { cards, results });
  assert.match(await page.textContent('.notice'), /^Gap: /);
});
