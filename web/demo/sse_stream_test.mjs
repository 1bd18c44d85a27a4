import assert from 'node:assert/strict';
import { test } from 'node:test';

import { kReopenMsMax, kReopenMsMin, kSilenceMsMax, SseStream } from './sse_stream.js';

// What a browser's EventSource is to the page, driven by the test.
class FakeEventSource extends EventTarget {
  static CLOSED = 2;
  static made = [];
  readyState = 0;

  constructor(url) {
    super();
    this.url = url;
    FakeEventSource.made.push(this);
  }

  close() {
    this.readyState = FakeEventSource.CLOSED;
  }

  open() {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  block(event, data, id = '') {
    this.dispatchEvent(Object.assign(new Event(event), { data, lastEventId: id }));
  }

  // 'retrying': the connection was lost and the browser tries again. 'refused': it never will.
  fail(how) {
    this.readyState = how === 'refused' ? FakeEventSource.CLOSED : 0;
    this.dispatchEvent(new Event('error'));
  }
}

// Time that moves when told.
class FakeTimers {
  #now_ms = 0;
  #timers = new Map();
  #last_id = 0;

  setTimeout = (call, delay_ms) => {
    this.#last_id += 1;
    this.#timers.set(this.#last_id, { call, at_ms: this.#now_ms + delay_ms });
    return this.#last_id;
  };

  clearTimeout = (id) => this.#timers.delete(id);

  pass(duration_ms) {
    this.#now_ms += duration_ms;
    for (const [id, timer] of [...this.#timers]) {
      if (timer.at_ms > this.#now_ms || !this.#timers.delete(id)) continue;
      timer.call();
    }
  }
}

function opened_stream(url = '/t/scores?rate=20') {
  FakeEventSource.made = [];
  const heard = [];
  const timers = new FakeTimers();
  const stream = new SseStream(url, {
    opened: () => heard.push(['opened']),
    event: (text, cursor) => heard.push(['event', text, cursor]),
    moved: (cursor) => heard.push(['moved', cursor]),
    gap: (gap, cursor) => heard.push(['gap', gap, cursor]),
    interrupted: ({ reason }) => heard.push(['interrupted', reason]),
  }, { EventSource: FakeEventSource, timers });
  stream.open('first');
  return { stream, heard, timers, sources: FakeEventSource.made };
}

test('a stream begins where it is told to, among the other options', () => {
  assert.equal(opened_stream('/t/scores?rate=20').sources[0].url, '/t/scores?rate=20&after=first');
  assert.equal(opened_stream('/t/scores').sources[0].url, '/t/scores?after=first');
});

test('events, cursors and gaps are handed on with the cursor they brought', () => {
  const { heard, sources: [source] } = opened_stream();

  source.open();
  source.block('carillon.cursor', '', 'e-0');
  source.block('message', '{"seq":1}', 'e-4');
  source.block('carillon.gap', '{"reason":"expired"}', 'e-9');

  assert.deepEqual(heard, [
    ['opened'], ['moved', 'e-0'], ['event', '{"seq":1}', 'e-4'],
    ['gap', { reason: 'expired' }, 'e-9'],
  ]);
});

test('a gap whose data cannot be read is a gap all the same', () => {
  const { heard, sources: [source] } = opened_stream();

  source.block('carillon.gap', '{', 'e-9');

  assert.deepEqual(heard, [['gap', {}, 'e-9']]);
});

test('a lost connection is left to EventSource, which resumes by itself', () => {
  const { heard, timers, sources } = opened_stream();
  sources[0].open();

  sources[0].fail('retrying');
  timers.pass(kReopenMsMax);

  assert.deepEqual(heard, [['opened'], ['interrupted', 'lost']]);
  assert.equal(sources.length, 1);
});

test('a refused connection is tried again from the cursor, at longer and longer intervals', () => {
  const { timers, sources } = opened_stream();
  sources[0].open();
  sources[0].block('message', '{}', 'e-4');

  sources[0].fail('refused');
  timers.pass(kReopenMsMin);
  sources[1].fail('refused');
  timers.pass(kReopenMsMin);

  assert.equal(sources[1].url, '/t/scores?rate=20&after=e-4');
  assert.equal(sources.length, 2, 'not yet tried again');
  timers.pass(kReopenMsMin);
  assert.equal(sources.length, 3);
});

test('a connection that opens ends the growing of the intervals', () => {
  const { timers, sources } = opened_stream();
  for (let refusals = 0; refusals < 10; refusals += 1) {
    sources.at(-1).fail('refused');
    timers.pass(kReopenMsMax);
  }
  assert.equal(sources.length, 11, 'never waits longer than the bound');

  sources.at(-1).open();
  sources.at(-1).fail('refused');
  timers.pass(kReopenMsMin);

  assert.equal(sources.length, 12);
});

test('a stream that misses three heartbeats is opened again from its cursor', () => {
  const { heard, timers, sources } = opened_stream();
  sources[0].open();
  sources[0].block('carillon.cursor', '', 'e-7');

  timers.pass(kSilenceMsMax - 1);
  assert.equal(sources.length, 1);
  timers.pass(1);

  assert.deepEqual(heard.at(-1), ['interrupted', 'silent']);
  assert.equal(sources[0].readyState, FakeEventSource.CLOSED);
  assert.equal(sources[1].url, '/t/scores?rate=20&after=e-7');
});

test('heartbeats keep a quiet stream alive', () => {
  const { timers, sources } = opened_stream();
  sources[0].open();

  for (let heartbeats = 0; heartbeats < 10; heartbeats += 1) {
    timers.pass(kSilenceMsMax - 1);
    sources[0].block('carillon.cursor', '', 'e-7');
  }

  assert.equal(sources.length, 1);
});

test('a bye is an interruption that the hub announced', () => {
  const { heard, sources: [source] } = opened_stream();

  source.block('carillon.bye', '{"retry_ms":500}');

  assert.deepEqual(heard, [['interrupted', 'bye']]);
});

test('a closed stream stays closed', () => {
  const { stream, timers, sources } = opened_stream();

  stream.close();
  timers.pass(kSilenceMsMax * 2);

  assert.equal(sources.length, 1);
  assert.equal(sources[0].readyState, FakeEventSource.CLOSED);
});
