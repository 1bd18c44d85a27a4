import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FakeTimers, settled } from '../fake_session.mjs';
import { from_base64, to_base64 } from './base64.js';
import { kSnapshotEvery, kSnapshotType, kUpdateType, SharedText } from './shared_text.js';
import { applyUpdate, Doc } from './yjs.bundle.js';

// A log and the sessions on it: what is published is given to all, in one order.
class FakeHub {
  events = [];
  #readers = [];
  #given = 0;
  #giving = false;

  session() {
    return {
      publish: async (event) => {
        const stored = { ...event, cursor: `e-${this.events.length + 1}` };
        this.events.push(stored);
        this.#give_in_order();
        return { cursor: stored.cursor };
      },
      subscribe: (id, { topics, after }, listener) => {
        const begin = after === 'first' ? 0 : Number(after.slice(2));
        const give = (event) => { if (topics.includes(event.topic)) listener.event(event); };
        listener.begun();
        for (const event of this.events.slice(begin)) give(event);
        this.#readers.push(give);
        this.gap = listener.gap;
      },
    };
  }

  // What a reader publishes in answer to an event comes behind it for everybody.
  #give_in_order() {
    if (this.#giving) return;
    this.#giving = true;
    while (this.#given < this.events.length) {
      const event = this.events[this.#given];
      this.#given += 1;
      for (const give of this.#readers) give(event);
    }
    this.#giving = false;
  }

  forget() {
    this.events = [];
    this.#given = 0;
  }

  newest_event = async (topic) => this.events.findLast((event) => event.topic === topic) ?? null;
}

let next_id = 0;

async function member_of(hub, timers = new FakeTimers()) {
  const gaps = [];
  const problems = [];
  const shared = new SharedText('notes', {
    session: hub.session(), newest_event: hub.newest_event, timers,
    new_id: () => `id-${next_id += 1}`,
    listener: {
      begun() {}, changed() {}, gap: (gap) => gaps.push(gap),
      refused: (problem) => problems.push(problem),
    },
  });
  await shared.start();
  return { shared, timers, gaps, problems };
}

async function write(member, at, words) {
  member.shared.text.insert(at, words);
  member.timers.pass(50);
  await settled();
}

test('bytes come back from base64, however many', () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index % 256);

  assert.deepEqual(from_base64(to_base64(bytes)), bytes);
});

test('two who write at once end with the same text', async () => {
  const hub = new FakeHub();
  const [one, other] = [await member_of(hub), await member_of(hub)];

  one.shared.text.insert(0, 'left');
  other.shared.text.insert(0, 'right');
  one.timers.pass(50);
  other.timers.pass(50);
  await settled();

  assert.equal(one.shared.text.toString(), other.shared.text.toString());
  assert.equal(one.shared.text.length, 9);
  assert.deepEqual(hub.events.map(({ type }) => type), [kUpdateType, kUpdateType]);
});

test('what is typed at once is one event, and is not stored until the hub has it', async () => {
  const hub = new FakeHub();
  const member = await member_of(hub);

  for (const letter of 'word') member.shared.text.insert(member.shared.text.length, letter);
  assert.ok(member.shared.unstored > 0);
  member.timers.pass(50);
  await settled();

  assert.equal(hub.events.length, 1);
  assert.equal(member.shared.unstored, 0);
});

test('who comes late begins with the newest snapshot and reads only what follows it', async () => {
  const hub = new FakeHub();
  const writer = await member_of(hub);
  for (let i = 0; i < kSnapshotEvery + 3; i += 1) await write(writer, 0, 'x');

  const late = await member_of(hub);

  assert.equal(hub.events.filter(({ type }) => type === kSnapshotType).length, 1);
  assert.equal(late.shared.text.toString(), writer.shared.text.toString());
  assert.equal(late.shared.figures.updates, 3);
  assert.equal(late.shared.figures.malformed, 0);
});

test('of several who write, one makes the snapshot', async () => {
  const hub = new FakeHub();
  const members = [await member_of(hub), await member_of(hub), await member_of(hub)];
  for (let i = 0; i < 2 * kSnapshotEvery; i += 1) await write(members[i % 3], 0, 'y');

  const snapshots = hub.events.filter(({ type }) => type === kSnapshotType);

  assert.equal(snapshots.length, 2);
  const doc = new Doc();
  applyUpdate(doc, from_base64(snapshots[1].data_base64));
  assert.equal(doc.getText('text').length, 2 * kSnapshotEvery);
});

test('what is no update changes nothing and is counted', async () => {
  const hub = new FakeHub();
  const member = await member_of(hub);
  await write(member, 0, 'kept');
  const session = hub.session();

  for (const members of [
    { type: 'carillon.event', data: 'hello' },
    { type: kUpdateType, data_base64: '!!!' },
    { type: kUpdateType, data_base64: 'AAECAwQF/w==' },
  ]) await session.publish({ topic: 'together.notes', ...members });

  assert.equal(member.shared.text.toString(), 'kept');
  assert.equal(member.shared.figures.malformed, 3);
});

test('a snapshot that is none does not keep anybody from reading', async () => {
  const hub = new FakeHub();
  await write(await member_of(hub), 0, 'kept');
  await hub.session().publish({ topic: 'together.notes.snapshots', type: 'x', data: 'hello' });

  const late = await member_of(hub);

  assert.equal(late.shared.text.toString(), 'kept');
});

test('while an input method composes, what others write waits', async () => {
  const hub = new FakeHub();
  const [one, other] = [await member_of(hub), await member_of(hub)];
  one.shared.hold();

  await write(other, 0, 'theirs');
  assert.equal(one.shared.text.toString(), '');
  one.shared.release();

  assert.equal(one.shared.text.toString(), 'theirs');
});

test('after a gap the hub is given everything that is here', async () => {
  const hub = new FakeHub();
  const member = await member_of(hub);
  await write(member, 0, 'all of this');
  hub.forget();

  hub.gap({ reason: 'epoch' });
  await settled();
  await settled();

  const late = await member_of(hub);
  assert.equal(late.shared.text.toString(), 'all of this');
  assert.deepEqual(member.gaps, [{ reason: 'epoch' }]);
});

test('a gap waits, too, while an input method composes', async () => {
  const hub = new FakeHub();
  const member = await member_of(hub);
  member.shared.hold();

  hub.gap({ reason: 'expired' });
  await settled();
  assert.deepEqual(member.gaps, []);
  member.shared.release();
  await settled();

  assert.deepEqual(member.gaps, [{ reason: 'expired' }]);
});

test('a change that the hub refuses is said aloud', async () => {
  const hub = new FakeHub();
  const member = await member_of({
    newest_event: hub.newest_event,
    session: () => ({ ...hub.session(), publish: async () => ({ problem: { status: 413 } }) }),
  });

  await write(member, 0, 'too much');

  assert.deepEqual(member.problems, [{ status: 413 }]);
  assert.equal(member.shared.unstored, 0);
});
