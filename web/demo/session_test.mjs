import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakeWire, settled } from './fake_session.mjs';
import { kRetryMsMax, kRetryMsMin, session_url } from './session.js';

function begun_session() {
  const wire = new FakeWire();
  const session = wire.session();
  session.open();
  return { wire, session };
}

function collector() {
  const heard = { events: [], gaps: [], problems: [], begun: 0 };
  return {
    heard,
    listener: {
      event: (event) => heard.events.push(event.cursor),
      gap: (gap) => heard.gaps.push(gap.reason),
      refused: (problem) => heard.problems.push(problem.status),
      begun: () => { heard.begun += 1; },
    },
  };
}

test('a session says nothing before the hub has said hello', () => {
  const { wire, session } = begun_session();

  session.subscribe('news', { topics: ['news'], after: 'first' }, collector().listener);
  assert.deepEqual(wire.sockets[0].asked, { url: 'ws://hub/ws', subprotocol: 'carillon.v1.json' });
  assert.deepEqual(wire.sockets[0].said, []);

  wire.hello();
  assert.deepEqual(wire.sockets[0].said,
    [{ op: 'subscribe', id: 's-news', topics: ['news'], after: 'first' }]);
  assert.deepEqual(wire.states, ['connecting', 'live']);
});

test('events go to the subscription whose number they bear', () => {
  const { wire, session } = begun_session();
  const [news, sport] = [collector(), collector()];
  session.subscribe('news', { topics: ['news'], after: 'first' }, news.listener);
  session.subscribe('sport', { topics: ['sport'], after: 'first' }, sport.listener);
  wire.hello();

  wire.say({ op: 'ok', id: 's-news', sub: 7, cursor: 'e-0' });
  wire.say({ op: 'ok', id: 's-sport', sub: 9, cursor: 'e-0' });
  wire.say({ op: 'event', sub: 9, event: { cursor: 'e-1' } });
  wire.say({ op: 'event', sub: 7, event: { cursor: 'e-2' } });
  wire.say({ op: 'event', sub: 8, event: { cursor: 'e-3' } });

  assert.deepEqual([news.heard.events, sport.heard.events], [['e-2'], ['e-1']]);
  assert.deepEqual([news.heard.begun, sport.heard.begun], [1, 1]);
});

test('a new connection goes on behind the last event, cursor or gap', () => {
  for (const { op, cursor } of [
    { op: { op: 'event', sub: 1, event: { cursor: 'e-5' } }, cursor: 'e-5' },
    { op: { op: 'cursor', sub: 1, cursor: 'e-6' }, cursor: 'e-6' },
    { op: { op: 'gap', sub: 1, reason: 'expired', resumed: 'e-7' }, cursor: 'e-7' },
  ]) {
    const { wire, session } = begun_session();
    session.subscribe('news', { topics: ['news'], after: 'first' }, collector().listener);
    wire.hello();
    wire.say({ op: 'ok', id: 's-news', sub: 1, cursor: 'e-0' });
    wire.say(op);

    wire.cut_and_back();

    assert.deepEqual(wire.said('subscribe').map(({ after }) => after), [cursor]);
  }
});

test('a subscription of states begins anew on a new connection', () => {
  const { wire, session } = begun_session();
  const options = { topics: ['board'], after: 'first', conflate: 'key' };
  session.subscribe('board', options, collector().listener, { anew: true });
  wire.hello();
  wire.say({ op: 'ok', id: 's-board', sub: 1, cursor: 'e-0' });
  wire.say({ op: 'event', sub: 1, event: { cursor: 'e-5' } });

  wire.cut_and_back();

  assert.deepEqual(wire.said('subscribe'), [{ op: 'subscribe', id: 's-board', ...options }]);
});

test('a publish that was not answered is sent again with the same id, once', async () => {
  const { wire, session } = begun_session();
  wire.hello();
  const published = session.publish({ id: 'u1', topic: 'news', data: 'x' });
  assert.equal(wire.pending, 1);
  const [first] = wire.said('publish');

  wire.cut_and_back();
  assert.deepEqual(wire.said('publish'), [first]);
  assert.deepEqual([first.topic, first.event.id, first.event.source], ['news', 'u1', '/t/news']);
  wire.say({ op: 'ok', id: 'p-u1', cursor: 'e-4' });

  assert.deepEqual(await published, { cursor: 'e-4' });
  assert.equal(wire.pending, 0);
  wire.cut_and_back();
  assert.deepEqual(wire.said('publish'), []);
});

test('publishes keep to half of the credit and go out in their order', async () => {
  const { wire, session } = begun_session();
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => session.publish({ id, topic: 'news' }));
  wire.hello({ publish_credit: 4 });
  assert.deepEqual(wire.said('publish').map(({ event }) => event.id), ['a', 'b']);

  for (const id of ['a', 'b', 'c', 'd', 'e']) wire.say({ op: 'ok', id: `p-${id}`, cursor: id });

  assert.deepEqual((await Promise.all(all)).map(({ cursor }) => cursor), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(wire.said('publish').map(({ event }) => event.id), ['a', 'b', 'c', 'd', 'e']);
});

test('a refusal that passes is tried again, any other settles the publish', async () => {
  const { wire, session } = begun_session();
  wire.hello();
  const full = session.publish({ id: 'full', topic: 'news' });
  const forbidden = session.publish({ id: 'no', topic: 'secret' });

  wire.say({ op: 'error', id: 'p-full', problem: { status: 507 } });
  wire.say({ op: 'error', id: 'p-no', problem: { status: 403 } });
  assert.deepEqual(await forbidden, { problem: { status: 403 } });
  assert.equal(wire.said('publish').length, 2);

  wire.timers.pass(kRetryMsMin * 2);
  assert.deepEqual(wire.said('publish').map(({ event }) => event.id), ['full', 'no', 'full']);
  wire.say({ op: 'ok', id: 'p-full', cursor: 'e-9' });
  assert.deepEqual(await full, { cursor: 'e-9' });
});

test('what is larger than the hub takes is not sent, and what is behind it is', async () => {
  const { wire, session } = begun_session();
  const large = session.publish({ id: 'large', topic: 'news', data: '\u00e9'.repeat(600) });
  session.publish({ id: 'small', topic: 'news', data: 'x' });

  wire.hello({ message_bytes_max: 1_000 });

  assert.equal((await large).problem.status, 413);
  assert.deepEqual(wire.said('publish').map(({ event }) => event.id), ['small']);
  assert.equal(wire.pending, 1);
});

test('who is present says so on each connection, and hears under which name', () => {
  const { wire, session } = begun_session();
  const members = [];
  session.be_present('room', { name: 'Ann' }, (member) => members.push(member));
  wire.hello();
  wire.say({ op: 'ok', id: 'm-room', member: 'one' });
  session.be_present('room', { name: 'Anna' }, (member) => members.push(member));

  wire.cut_and_back();
  wire.say({ op: 'ok', id: 'm-room', member: 'two' });

  assert.deepEqual(wire.said('presence').map(({ topic, state }) => [topic, state.name]),
    [['room', 'Anna']]);
  assert.deepEqual(members, ['one', 'two']);
});

test('who leaves says so once, and is not present on the next connection', () => {
  const { wire, session } = begun_session();
  session.be_present('room', { name: 'Ann' });
  wire.hello();

  session.be_present('room', null);
  assert.deepEqual(wire.said('presence').map(({ state }) => state), [{ name: 'Ann' }, null]);
  wire.cut_and_back();

  assert.deepEqual(wire.said('presence'), []);
});

test('a refused subscription is told with the problem', () => {
  const { wire, session } = begun_session();
  const { heard, listener } = collector();
  session.subscribe('news', { topics: ['news'], after: 'e-x' }, listener);
  wire.hello();

  wire.say({ op: 'error', id: 's-news', problem: { status: 400 } });
  wire.say({ op: 'error', id: null, problem: { status: 400 } });

  assert.deepEqual(heard.problems, [400]);
});

test('waiting times double while the hub is away, and a bye says its own', () => {
  const { wire } = begun_session();
  const waits = [];
  for (let tries = 0; tries < 8; tries += 1) {
    const made = wire.sockets.length;
    wire.cut();
    let waited_ms = 0;
    for (; wire.sockets.length === made; waited_ms += 1) wire.timers.pass(1);
    waits.push(waited_ms);
  }
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);

  wire.hello();
  wire.say({ op: 'bye', retry_ms: 3_000 });
  wire.cut();
  const made = wire.sockets.length;
  wire.timers.pass(2_999);
  assert.equal(wire.sockets.length, made);
  wire.timers.pass(1);
  assert.equal(wire.sockets.length, made + 1);
  assert.equal(wire.states.filter((state) => state === 'connecting').length, 1);
});

test('a connection that falls silent for three heartbeats is given up', () => {
  const { wire } = begun_session();
  wire.hello({ heartbeat_ms: 1_000 });
  const [silent] = wire.sockets;

  wire.timers.pass(2_999);
  wire.say({ op: 'cursor', sub: 1, cursor: 'e-1' });
  wire.timers.pass(2_999);
  assert.equal(silent.closed, false);
  wire.timers.pass(1);

  assert.equal(silent.closed, true);
  assert.equal(wire.states.at(-1), 'reconnecting');
});

test('what is told is sent now or never', async () => {
  const { wire, session } = begun_session();

  assert.equal(session.tell('moves', { data: 1 }), false);
  wire.hello();
  assert.equal(session.tell('moves', { data: 2 }), true);
  wire.say({ op: 'ok', id: 'tell', cursor: 'e-1' });
  wire.cut_and_back();
  await settled();

  assert.deepEqual(wire.sockets.map(({ said }) => said.length), [0, 1]);
});

test('a session that was closed is not opened again', () => {
  const { wire, session } = begun_session();
  wire.hello();

  session.close();
  wire.cut();
  wire.timers.pass(kRetryMsMax * 10);

  assert.equal(wire.sockets.length, 1);
});

test('the address follows the page', () => {
  assert.equal(session_url({ protocol: 'http:', host: 'hub:8080' }), 'ws://hub:8080/ws');
  assert.equal(session_url({ protocol: 'https:', host: 'hub.example' }), 'wss://hub.example/ws');
});
