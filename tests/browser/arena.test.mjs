// The arena in a browser, alone and among fifty players that play by themselves.
//
//   CARILLON_BIN=build/release/carillon npm run test:browser

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { errors_of, launch_chromium } from './chromium.mjs';
import { Demo } from './demo_hub.mjs';
import { assert_readable, focus_order, kLooks, picture } from './looks.mjs';

const kPlayers = fileURLToPath(new URL('../../examples/arena/players.mjs', import.meta.url));

let browser;

before(async () => {
  browser = await launch_chromium();
});

after(() => browser?.close());

function start_demo(t) {
  return Demo.start(t, undefined, 'arena');
}

async function open_arena(t, demo, look = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...look });
  t.after(() => context.close());
  const page = await context.newPage();
  const errors = errors_of(page);
  await page.goto(`${demo.url}/demo/arena`);
  await connection_is(page, 'live');
  return { page, context, errors };
}

function connection_is(page, state) {
  return page.waitForSelector(`#connection[data-state="${state}"]`);
}

// Presses Play and waits until the referee has given a place on the field.
async function play(page, name) {
  await page.fill('#name', name);
  await page.click('#play-button');
  await page.waitForFunction(() => (
    /^You have rung/.test(document.getElementById('own').textContent)));
}

function place_of(page) {
  return page.evaluate(() => (
    /at (\d+), (\d+)/.exec(document.getElementById('own').textContent).slice(1).map(Number)));
}

// The page's own player comes so far from where it was.
function comes_away_from(page, [x, y], units) {
  return page.waitForFunction(([from_x, from_y, least]) => {
    const found = /at (\d+), (\d+)/.exec(document.getElementById('own').textContent);
    return found && Math.hypot(found[1] - from_x, found[2] - from_y) >= least;
  }, [x, y, units]);
}

function says(page, list, words) {
  return page.waitForSelector(`#${list} .news-line:has-text("${words}")`);
}

// Players as a program: `line(pattern)` resolves with the line that it says.
function start_players(t, demo, options) {
  const program = spawn(process.execPath, [kPlayers, '--url', demo.url, ...options],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => program.kill('SIGKILL'));
  let said = '';
  const exited = once(program, 'exit');
  program.stdout.setEncoding('utf8').on('data', (text) => { said += text; });
  return {
    async line(pattern) {
      for (;;) {
        const found = said.split('\n').find((line) => pattern.test(line));
        if (found !== undefined) return found;
        const more = once(program.stdout, 'data').then(() => [null]);
        const [code] = await Promise.race([more, exited]);
        if (code !== null) assert.match(said, pattern);
      }
    },
    async code() {
      return (await exited)[0];
    },
  };
}

test('a player steers by keys, and another page sees the same', async (t) => {
  const demo = await start_demo(t);
  const one = await open_arena(t, demo);
  const other = await open_arena(t, demo);
  await play(one.page, 'Ann');
  await play(other.page, 'Bob');
  await one.page.waitForFunction(() => document.getElementById('players').value === '2');

  const before = await place_of(one.page);
  const still = await place_of(other.page);
  await one.page.focus('#field');
  await one.page.keyboard.down(before[0] < 480 ? 'ArrowRight' : 'ArrowLeft');
  await comes_away_from(one.page, before, 60);
  await one.page.keyboard.up(before[0] < 480 ? 'ArrowRight' : 'ArrowLeft');

  assert.deepEqual(await place_of(other.page), still, 'nobody else was moved');
  await one.page.waitForFunction(() => document.getElementById('actions').value === '2');
  const standings = (page) => page.$$eval('#standings th', (cells) => (
    cells.map((cell) => cell.textContent).sort()));
  assert.deepEqual(await standings(one.page), ['Ann', 'Bob']);
  assert.deepEqual(await standings(other.page), ['Ann', 'Bob']);
  await one.page.click('#play-button');
  await other.page.waitForFunction(() => document.getElementById('players').value === '1');
  assert.deepEqual([...one.errors, ...other.errors], []);
});

test('what is announced and said reaches every page, and who comes late', async (t) => {
  const demo = await start_demo(t);
  const one = await open_arena(t, demo);
  const other = await open_arena(t, demo);
  await says(one.page, 'announcements', 'Round 1 begins');

  await one.page.fill('#name', 'Ann');
  await one.page.fill('#saying', 'hello <b>there</b>');
  await one.page.press('#saying', 'Enter');

  await says(other.page, 'chat', 'hello <b>there</b>');
  assert.equal(await other.page.textContent('#chat strong'), 'Ann');
  assert.equal(await one.page.inputValue('#saying'), '');
  const late = await open_arena(t, demo);
  await says(late.page, 'chat', 'hello <b>there</b>');
  await says(late.page, 'announcements', 'Round 1 begins');
  assert.deepEqual([...one.errors, ...other.errors, ...late.errors], []);
});

test('among fifty players a page plays on, and all know the same arena in the end', async (t) => {
  const demo = await start_demo(t);
  const { page, errors } = await open_arena(t, demo);
  await play(page, 'Ann');
  const players = start_players(t, demo, ['--players', '50', '--seconds', '5']);
  await players.line(/^50 players are in/);
  await page.waitForFunction(() => document.getElementById('players').value === '51');

  const before = await place_of(page);
  await page.focus('#field');
  await page.keyboard.down(before[0] < 480 ? 'd' : 'a');
  await comes_away_from(page, before, 60);
  await page.keyboard.up(before[0] < 480 ? 'd' : 'a');
  await picture(page, 'arena-crowd');

  assert.match(await players.line(/^50 players, /), /all know the same arena$/);
  assert.equal(await players.code(), 0);
  await page.waitForFunction(() => document.getElementById('players').value === '1');
  assert.equal(await page.textContent('#malformed'), '0');
  // Of what was published, the page was given the last of each batch.
  const topic = await (await fetch(`${demo.url}/v1/topics/arena.state`)).json();
  const given = Number((await page.textContent('#states')).replace(',', ''));
  assert.ok(given > 51 && given <= topic.events, `${given} of ${topic.events}`);
  assert.deepEqual(errors, []);
});

test('a hub that is killed takes nobody out of the game', async (t) => {
  const demo = await start_demo(t);
  const { page, errors } = await open_arena(t, demo);
  await play(page, 'Ann');
  await says(page, 'announcements', 'Round 1 begins');

  await demo.end('SIGKILL');
  await connection_is(page, 'reconnecting');
  await demo.start();
  await connection_is(page, 'live');
  await says(page, 'announcements', 'Round 2 begins');
  await page.waitForFunction(() => document.getElementById('players').value === '1');
  await page.waitForFunction(() => (
    /^You have rung/.test(document.getElementById('own').textContent)));

  assert.equal(await page.$$eval('#announcements li', (lines) => lines.length), 2, 'none twice');
  assert.deepEqual(errors.filter((error) => !/net::ERR_|WebSocket connection/.test(error)), []);
});

test('actions and states by hand that make no sense do no harm', async (t) => {
  const demo = await start_demo(t);
  const { page, errors } = await open_arena(t, demo);
  await play(page, 'Ann');
  const publish = (topic, body) => fetch(`${demo.url}/t/${topic}`, { method: 'POST', body });
  await publish('arena.actions', 'hello');
  await publish('arena.state', 'hello');
  await publish('arena.announcements', 'hello');
  await publish('arena.chat', '[]');

  await page.waitForFunction(() => document.getElementById('malformed').textContent === '3');
  const before = await place_of(page);
  await page.focus('#field');
  await page.keyboard.down(before[0] < 480 ? 'ArrowRight' : 'ArrowLeft');
  await comes_away_from(page, before, 20);

  assert.deepEqual(errors, []);
});

test('the page is readable in light and dark, on wide and narrow screens', async (t) => {
  const demo = await start_demo(t);
  const writer = await open_arena(t, demo);
  await play(writer.page, 'Ann');
  await writer.page.fill('#saying', 'A long thing to say, so that it is broken on narrow screens');
  await writer.page.press('#saying', 'Enter');

  for (const { where, look } of kLooks) {
    const { page, context, errors } = await open_arena(t, demo, look);
    await says(page, 'chat', 'A long thing');
    await page.waitForSelector('#standings tr');

    await assert_readable(page, where);
    await picture(page, `arena-${where}`);
    assert.deepEqual(errors, [], where);
    await context.close();
  }
});

test('everything that can be done can be done by keyboard, and the focus is seen', async (t) => {
  const demo = await start_demo(t);
  const { page, errors } = await open_arena(t, demo);

  const order = await focus_order(page);

  assert.deepEqual(order.map(({ name }) => name), [
    'skip', 'brand', 'name', 'play-button', 'field',
    'button', 'button', 'button', 'button', 'button',
    'news', 'news', 'saying', 'button', 'PRE', 'PRE', 'PRE',
  ]);
  assert.deepEqual(order.filter(({ is_outlined }) => !is_outlined), []);
  await page.fill('#name', 'Ann');
  await page.press('#name', 'Enter');
  await page.waitForFunction(() => (
    /^You have rung/.test(document.getElementById('own').textContent)));
  const before = await place_of(page);
  await page.focus(`.pad [data-key="${before[0] < 480 ? 'ArrowRight' : 'ArrowLeft'}"]`);
  await page.keyboard.down('Enter');
  await comes_away_from(page, before, 20);
  await page.keyboard.up('Enter');
  assert.deepEqual(errors, []);
});
