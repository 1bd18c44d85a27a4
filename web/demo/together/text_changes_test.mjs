import assert from 'node:assert/strict';
import { test } from 'node:test';

import { change_between, moved_by } from './text_changes.js';
import { Doc } from './yjs.bundle.js';

function changed(before, { at, removed, inserted }) {
  return before.slice(0, at) + inserted + before.slice(at + removed);
}

test('letters that repeat are changed where the caret is', () => {
  assert.deepEqual(change_between('aaa', 'aaaa', 1), { at: 0, removed: 0, inserted: 'a' });
  assert.deepEqual(change_between('aaa', 'aaaa', 4), { at: 3, removed: 0, inserted: 'a' });
  assert.deepEqual(change_between('aaaa', 'aaa', 0), { at: 0, removed: 1, inserted: '' });
  assert.deepEqual(change_between('aaaa', 'aaa', 2), { at: 2, removed: 1, inserted: '' });
});

test('a word that is written over another is one change', () => {
  assert.deepEqual(change_between('the old house', 'the new house', 7),
    { at: 4, removed: 3, inserted: 'new' });
  assert.deepEqual(change_between('', 'all', 3), { at: 0, removed: 0, inserted: 'all' });
  assert.deepEqual(change_between('all', '', 0), { at: 0, removed: 3, inserted: '' });
});

test('no character outside the basic plane is cut in two', () => {
  // U+1F600 and U+1F601 begin with the same unit, U+1F600 and U+20600 end with the same.
  assert.deepEqual(change_between('x\u{1F600}y', 'x\u{1F601}y', 3),
    { at: 1, removed: 2, inserted: '\u{1F601}' });
  assert.deepEqual(change_between('\u{1F600}', '\u{20600}', 2),
    { at: 0, removed: 2, inserted: '\u{20600}' });
});

test('any change makes the one text into the other', () => {
  const letters = ['a', 'b', '\n', '\u{1F600}', '\u{1F601}'];
  let state = 7;
  const any = (count) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state >> 8) % count;
  };
  const any_letter = () => letters[any(letters.length)];
  const any_text = () => Array.from({ length: any(8) }, any_letter).join('');
  for (let round = 0; round < 20_000; round += 1) {
    const [head, old, fresh, rest] = [any_text(), any_text(), any_text(), any_text()];
    const [before, after] = [head + old + rest, head + fresh + rest];

    const change = change_between(before, after, (head + fresh).length);

    assert.equal(changed(before, change), after, JSON.stringify({ before, after, change }));
    assert.ok(change.inserted.isWellFormed?.() ?? true, JSON.stringify({ before, after, change }));
  }
});

// The delta of one change to 'abcdef', as Yjs reports it.
function delta_of(change) {
  const text = new Doc().getText('text');
  text.insert(0, 'abcdef');
  let delta = null;
  text.observe((event) => { delta = event.delta; });
  text.doc.transact(() => change(text));
  return delta;
}

test('a place moves with the letters before it', () => {
  const inserted = delta_of((text) => text.insert(2, 'XY'));
  assert.deepEqual([0, 2, 3, 6].map((place) => moved_by(inserted, place)), [0, 2, 5, 8]);

  const removed = delta_of((text) => text.delete(2, 3));
  assert.deepEqual([0, 2, 3, 5, 6].map((place) => moved_by(removed, place)), [0, 2, 2, 2, 3]);
});

test('a place moves by all changes of one transaction', () => {
  const delta = delta_of((text) => {
    text.insert(6, 'end');
    text.delete(3, 1);
    text.insert(0, 'start');
  });

  assert.deepEqual([0, 1, 3, 4, 6].map((place) => moved_by(delta, place)), [0, 6, 8, 8, 10]);
});
