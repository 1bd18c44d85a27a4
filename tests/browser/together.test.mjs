// A document that several browsers edit at once, over networks and hubs that fail.
//
//   CARILLON_BIN=build/release/carillon npm run test:browser
//
// What everybody must end with is worked out from the hub's log by Yjs alone, without the page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { applyUpdate, Doc } from 'yjs';

import { errors_of, launch_chromium } from './chromium.mjs';
import { CuttableWire } from './cuttable_wire.mjs';
import { Demo } from './demo_hub.mjs';
import { assert_readable, focus_order, kLooks, picture } from './looks.mjs';

const kTopic = 'together.notes';

let browser;

before(async () => {
  browser = await launch_chromium();
});

after(() => browser?.close());

// The page in a browser of its own. `where` has the url of a hub, or of something in front of it.
async function open_document(t, where, look = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...look });
  t.after(() => context.close());
  const page = await context.newPage();
  const errors = errors_of(page);
  await page.goto(`${where.url}/demo/together`);
  await page.waitForSelector('#text:not([readonly])');
  return { page, context, errors };
}

async function person(t, where, name, look = {}) {
  const opened = await open_document(t, where, look);
  await opened.page.fill('#name', name);
  return opened;
}

function connection_is(page, state) {
  return page.waitForSelector(`#connection[data-state="${state}"]`);
}

function everything_is_stored(page) {
  return page.waitForSelector('#stored[data-unstored="0"]');
}

function text_of(page) {
  return page.inputValue('#text');
}

function text_becomes(page, text) {
  return page.waitForFunction((expected) => (
    document.getElementById('text').value === expected), text);
}

// Writes at the end of the text, or at its beginning, key by key.
async function write(page, where, words) {
  await page.focus('#text');
  await page.keyboard.press(where === 'end' ? 'Control+End' : 'Control+Home');
  await page.keyboard.type(words, { delay: 5 });
}

// What the log says that the text is.
async function text_in_log(demo) {
  const doc = new Doc();
  for (const event of await demo.events(kTopic)) {
    if (event.type !== 'together.update') continue;
    applyUpdate(doc, Buffer.from(event.data_base64, 'base64'));
  }
  return doc.getText('text').toString();
}

function letters_of(text) {
  return [...text].sort().join('');
}

// All pages show what the log says; the text.
async function assert_all_agree(demo, pages) {
  for (const page of pages) await everything_is_stored(page);
  const text = await text_in_log(demo);
  for (const page of pages) await text_becomes(page, text);
  return text;
}

test('two who type at once see the same text, which is that of the log', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const one = await person(t, demo, 'Ann');
  const other = await person(t, demo, 'Bob');

  await Promise.all([
    write(one.page, 'home', 'The quick brown fox. '),
    write(other.page, 'end', 'jumps over the dog.'),
  ]);

  const text = await assert_all_agree(demo, [one.page, other.page]);
  assert.equal(letters_of(text), letters_of('The quick brown fox. jumps over the dog.'));
  assert.deepEqual([...one.errors, ...other.errors], []);
});

test('who is cut off goes on writing, and all agree when the network is back', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const wire = await CuttableWire.to(demo.address);
  t.after(() => wire.remove());
  const one = await person(t, demo, 'Ann');
  const other = await person(t, wire, 'Bob');
  await write(one.page, 'home', 'before ');
  await text_becomes(other.page, 'before ');

  wire.cut();
  await connection_is(other.page, 'reconnecting');
  await Promise.all([
    write(one.page, 'home', 'from here '), write(other.page, 'end', 'from there '),
  ]);
  assert.equal(await text_of(other.page), 'before from there ');
  assert.notEqual(await other.page.getAttribute('#stored', 'data-unstored'), '0');
  wire.mend();
  await connection_is(other.page, 'live');

  const text = await assert_all_agree(demo, [one.page, other.page]);
  assert.equal(text, 'from here before from there ');
});

test('a hub that is killed while two are typing costs no letter', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const one = await person(t, demo, 'Ann');
  const other = await person(t, demo, 'Bob');
  const words = ['alpha beta gamma delta epsilon zeta ', 'eins zwei drei vier sechs acht neun '];

  const writing = Promise.all([
    write(one.page, 'home', words[0]), write(other.page, 'end', words[1]),
  ]);
  await one.page.waitForFunction(() => Number(document.getElementById('updates').value) >= 2);
  await demo.end('SIGKILL');
  await demo.start();
  await writing;
  await connection_is(one.page, 'live');
  await connection_is(other.page, 'live');

  const text = await assert_all_agree(demo, [one.page, other.page]);
  assert.equal(letters_of(text), letters_of(words.join('')));
  assert.equal(await one.page.textContent('#gaps'), '0');
});

// An editor without a page: `letters` updates, an event each.
async function write_by_hand(demo, letters) {
  const updates = [];
  const doc = new Doc();
  doc.on('update', (update) => updates.push(update));
  for (let letter = 0; letter < letters; letter += 1) {
    doc.getText('text').insert(letter, String(letter % 10));
  }
  for (const body of updates) {
    const answer = await fetch(`${demo.url}/t/${kTopic}`, {
      method: 'POST', body,
      headers: { 'content-type': 'application/octet-stream', 'ce-type': 'together.update' },
    });
    assert.equal(answer.status, 201);
  }
}

test('who comes late begins with a snapshot and reads only what follows it', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const one = await person(t, demo, 'Ann');
  await write_by_hand(demo, 199);
  await one.page.waitForFunction(() => document.getElementById('updates').value === '199');
  // The page's own is the two hundredth: it makes the snapshot.
  await one.page.fill('#text', `${await text_of(one.page)}.`);
  await one.page.waitForFunction(() => document.getElementById('snapshots').value === '1');
  await write(one.page, 'end', 'and so on');
  const text = await assert_all_agree(demo, [one.page]);

  const late = await person(t, demo, 'Cleo');
  await text_becomes(late.page, text);

  const stored = (await demo.events(kTopic)).length;
  assert.equal(await late.page.textContent('#snapshots'), '1');
  assert.equal(Number(await late.page.textContent('#updates')), stored - 200);
  assert.deepEqual([...one.errors, ...late.errors], []);
});

test('everybody sees who is there, where they are, and that they have gone', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const one = await person(t, demo, 'Ann');
  const other = await person(t, demo, 'Bob <b>');
  await write(other.page, 'home', 'hello');

  await one.page.waitForSelector('.person:has-text("Bob <b>")');
  await one.page.waitForSelector('.caret-name:has-text("Bob <b>")');
  const caret_is_behind = (text) => one.page.waitForFunction((expected) => {
    const caret = document.querySelector('.caret');
    const range = new Range();
    range.setStart(document.getElementById('paper'), 0);
    range.setEndBefore(caret);
    return range.toString() === expected;
  }, text);
  await caret_is_behind('hello');

  // Who writes before it moves it along, though its owner did nothing.
  await write(one.page, 'home', 'oh, ');
  await other.page.waitForFunction(() => (
    document.getElementById('text').value === 'oh, hello' &&
    document.getElementById('text').selectionStart === 9));
  await caret_is_behind('oh, hello');

  await other.context.close();
  await one.page.waitForSelector('.person', { state: 'detached' });
  assert.equal(await one.page.textContent('#people-count'), 'Nobody else is here.');
  assert.deepEqual(one.errors, []);
});

test('undo takes back the own letters and leaves those of others', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const one = await person(t, demo, 'Ann');
  const other = await person(t, demo, 'Bob');
  // At once: what is typed half a second apart is undone apart.
  await one.page.focus('#text');
  await one.page.keyboard.insertText('mine ');
  await text_becomes(other.page, 'mine ');
  await write(other.page, 'end', 'yours');
  await text_becomes(one.page, 'mine yours');

  await one.page.focus('#text');
  await one.page.keyboard.press('Control+z');
  await text_becomes(other.page, 'yours');
  await one.page.keyboard.press('Control+Shift+z');

  await text_becomes(other.page, 'mine yours');
  assert.equal(await assert_all_agree(demo, [one.page, other.page]), 'mine yours');
});

test('what somebody publishes by hand neither breaks the page nor the text', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const one = await person(t, demo, 'Ann');
  await write(one.page, 'home', 'kept');
  const publish = (topic, body, headers = {}) => fetch(`${demo.url}/t/${topic}`, {
    method: 'POST', body, headers: { 'content-type': 'application/octet-stream', ...headers },
  });
  await publish(kTopic, 'hello');
  await publish(kTopic, Buffer.from([0, 1, 2, 255]), { 'ce-type': 'together.update' });
  await publish(`${kTopic}.snapshots`, 'no snapshot',
    { 'ce-type': 'together.snapshot', 'ce-covers': 'no cursor' });

  await one.page.waitForFunction(() => document.getElementById('malformed').textContent === '3');
  assert.equal(await text_of(one.page), 'kept');
  const late = await person(t, demo, 'Cleo');
  await text_becomes(late.page, 'kept');
  assert.deepEqual([...one.errors, ...late.errors], []);
});

test('the page is readable in light and dark, on wide and narrow screens', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const writer = await person(t, demo, 'Ann');
  await write(writer.page, 'home', 'Agenda for Thursday\n\n1. The bells of the west tower\n' +
    '2. Who climbs up, and when: a line that is long enough to be broken on any screen there is\n');
  await writer.page.keyboard.press('Shift+ArrowUp');
  const other = await person(t, demo, 'Bob with a long name');
  await other.page.focus('#text');
  await other.page.keyboard.press('Control+Home');

  for (const { where, look } of kLooks) {
    const { page, context, errors } = await person(t, demo, 'Cleo', look);
    await page.waitForSelector('.caret-name:has-text("Bob with a long name")');
    await page.waitForSelector('.selected');

    await assert_readable(page, where);
    // The carets stand right only when paper and text area are set alike.
    const sizes = await page.evaluate(() => ['paper', 'text'].map((id) => {
      const node = document.getElementById(id);
      return [node.clientWidth, node.clientHeight, Math.max(node.scrollHeight, node.clientHeight)];
    }));
    assert.deepEqual(sizes[0], sizes[1], where);
    await picture(page, `together-${where}`);
    assert.deepEqual(errors, [], where);
    await context.close();
  }
});

test('everything that can be done can be done by keyboard, and the focus is seen', async (t) => {
  const demo = await Demo.start(t, undefined, 'together');
  const { page, errors } = await open_document(t, demo);

  const order = await focus_order(page);

  assert.deepEqual(order.map(({ name }) => name),
    ['skip', 'brand', 'text', 'name', 'PRE', 'PRE']);
  assert.deepEqual(order.filter(({ is_outlined }) => !is_outlined), []);
  assert.deepEqual(errors, []);
});
