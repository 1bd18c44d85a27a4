// The scoreboard demo as a person meets it in a browser: what it shows, and how it looks.
//
//   CARILLON_BIN=build/release/carillon npm run test:browser
//
// Needs Chromium (CHROMIUM, else /usr/bin/chromium). Leaves pictures in build/screenshots.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch_chromium } from './chromium.mjs';
import { Demo, kAtOnce, kStandingStill, kWithinSeconds } from './demo_hub.mjs';
import { assert_readable, focus_order, kLooks, picture } from './looks.mjs';
import {
  assert_shows, connection_is, count_reaches, expected_table, kMatchCount, kOver, open_scoreboard,
  season_is_over, shown_on,
} from './scoreboard_page.mjs';

let browser;

before(async () => {
  browser = await launch_chromium();
});

after(() => browser?.close());

// Both clubs of a match have played it.
function matches_counted_are(page, count) {
  return page.waitForFunction((expected) => {
    const played = [...document.querySelectorAll('#table-body tr td:nth-of-type(2)')];
    return played.reduce((sum, cell) => sum + Number(cell.textContent), 0) === 2 * expected;
  }, count);
}

// A hub that stands still in the middle of a round, and every event that it has stored.
async function demo_in_mid_season(t) {
  const demo = await Demo.start(t, kWithinSeconds);
  const { page, context } = await open_scoreboard(browser, t, demo);
  await page.waitForFunction(() => (
    Number(document.getElementById('round-number').textContent) >= 9 &&
    document.querySelectorAll('.card:not([data-phase="full-time"])').length >= 3 &&
    document.querySelector('.card[data-phase="second-half"]') !== null));
  await context.close();
  await demo.end('SIGKILL');
  await demo.start(kStandingStill);
  return demo;
}

test('a page that watches the whole season ends with what its events add up to', async (t) => {
  const demo = await Demo.start(t, kWithinSeconds);
  const { page, errors } = await open_scoreboard(browser, t, demo);

  await season_is_over(page);
  await connection_is(page, 'live');

  assert_shows(await shown_on(page), kOver);
  assert.deepEqual(await demo.stored(), kOver, 'the hub stored the season in its order');
  const [champion] = expected_table(kOver.filter((data) => data.last));
  assert.equal(await page.textContent('#champion-name'), champion.club);
  assert.deepEqual(errors, []);
});

test('a page that comes late is given the last event of each match and no other', async (t) => {
  const demo = await Demo.start(t, kAtOnce);
  const { page: first_page } = await open_scoreboard(browser, t, demo);
  await season_is_over(first_page);

  const { page, errors } = await open_scoreboard(browser, t, demo);
  await season_is_over(page);
  await connection_is(page, 'live');

  const shown = await shown_on(page);
  assert_shows(shown, kOver);
  assert.equal(shown.received, kMatchCount);
  assert.equal(shown.conflated, kOver.length - kMatchCount);
  assert.deepEqual(errors, []);
});

test('the pages are readable in light and dark, on wide and narrow screens', async (t) => {
  const demo = await demo_in_mid_season(t);
  const stored = await demo.stored();

  for (const { where, look } of kLooks) {
    const { page, errors } = await open_scoreboard(browser, t, demo, look);
    await connection_is(page, 'live');

    assert_shows(await shown_on(page), stored);
    await assert_readable(page, where);
    await picture(page, `scoreboard-${where}`);
    await page.goto(`${demo.url}/demo`);
    await assert_readable(page, where);
    await picture(page, `demos-${where}`);
    assert.deepEqual(errors, [], where);
  }
});

test('everything that can be done can be done by keyboard, and the focus is seen', async (t) => {
  const demo = await demo_in_mid_season(t);
  const { page, errors } = await open_scoreboard(browser, t, demo);
  await connection_is(page, 'live');

  const order = await focus_order(page);

  assert.deepEqual(order.map(({ name }) => name), [
    'skip', 'brand', 'count-in-play', 'hold-ticker', 'ticker', 'PRE', 'PRE',
  ]);
  assert.deepEqual(order.filter(({ is_outlined }) => !is_outlined), []);

  const finished = (await demo.stored()).filter((data) => data.last);
  await page.focus('#count-in-play');
  await page.keyboard.press('Space');
  await matches_counted_are(page, finished.length);
  assert.deepEqual((await shown_on(page)).table, expected_table(finished));

  await page.focus('#hold-ticker');
  await page.keyboard.press('Enter');
  assert.equal(await page.getAttribute('#hold-ticker', 'aria-pressed'), 'true');
  assert.deepEqual(errors, []);
});

test('a held ticker keeps still while the scores go on', async (t) => {
  const demo = await Demo.start(t, kWithinSeconds);
  const { page } = await open_scoreboard(browser, t, demo);
  await count_reaches(page, 'received', 20);

  await page.click('#hold-ticker');
  const held_lines = await page.textContent('#ticker-lines');
  await season_is_over(page);

  assert.equal(await page.textContent('#ticker-lines'), held_lines);
  assert.match(await page.textContent('#hold-ticker'), /^Go on \(\d+ waiting\)$/);
  await page.click('#hold-ticker');
  await page.waitForFunction(() => (
    document.querySelector('#ticker-lines .line').dataset.what === 'full-time'));
});
