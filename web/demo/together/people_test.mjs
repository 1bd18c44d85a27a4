import assert from 'node:assert/strict';
import { test } from 'node:test';

import { kColours, kNameCharactersMax } from '../self.js';
import { free_colour, People, selection_in, tied_selection } from './people.js';
import { Doc } from './yjs.bundle.js';

function told(change, member, state) {
  return { type: `carillon.presence.${change}`, data: { member, state } };
}

test('who joins is there, with the newest state, until they leave', () => {
  const people = new People();
  people.apply(told('join', 'm2', { name: 'Wren', colour: 2 }));
  people.apply(told('join', 'm1', { name: 'Otter', colour: 1 }));
  people.apply(told('change', 'm2', { name: 'Heron', colour: 3 }));

  assert.deepEqual(people.others('m9').map(({ name, colour }) => [name, colour]),
    [['Heron', 3], ['Otter', 1]]);
  people.apply(told('leave', 'm2', { name: 'Heron', colour: 3 }));
  assert.deepEqual(people.others('m9').map(({ name }) => name), ['Otter']);
  assert.deepEqual(people.others('m1'), []);
});

test('a state that makes no sense is nobody, or somebody without a name', () => {
  const people = new People();
  for (const [member, state] of Object.entries({
    a: null, b: 'text', c: {}, d: { name: 7 }, e: { name: '  ', colour: 'red' },
    f: { name: 'x'.repeat(100), colour: -9, anchor: 'here', head: {} },
  })) people.apply(told('join', member, state));
  people.apply({ type: 'carillon.presence.join', data: null });
  people.apply({ type: 'carillon.presence.join', data: { member: 3, state: { name: 'x' } } });

  const others = people.others(null);

  assert.deepEqual(others.map(({ member, colour }) => [member, colour]), [['e', 0], ['f', 1]]);
  assert.deepEqual(others.map(({ name }) => name), ['Somebody', 'x'.repeat(kNameCharactersMax)]);
  const { text } = { text: new Doc().getText('text') };
  for (const other of others) assert.equal(selection_in(text, other), null);
});

test('a selection stays with its letters while others write before it', () => {
  const text = new Doc().getText('text');
  text.insert(0, 'one two three');
  const { anchor, head } = JSON.parse(JSON.stringify(tied_selection(text, { anchor: 7, head: 4 })));
  assert.deepEqual(selection_in(text, { anchor, head }), { start: 4, end: 7, head: 4 });

  text.insert(0, 'zero ');
  assert.deepEqual(selection_in(text, { anchor, head }), { start: 9, end: 12, head: 9 });
  text.delete(0, text.length);
  assert.deepEqual(selection_in(text, { anchor, head }), { start: 0, end: 0, head: 0 });
});

test('without a focus there is no selection', () => {
  assert.deepEqual(tied_selection(new Doc().getText('text'), null), {});
});

test('of two with the same colour the later takes a free one', () => {
  const first = { member: 'm1', colour: 3 };
  const second = { member: 'm2', colour: 3 };
  const third = { member: 'm3', colour: 0 };

  assert.equal(free_colour(first, [second, third]), 3);
  assert.equal(free_colour(second, [first, third]), 1);
  assert.equal(free_colour(third, [first, second]), 0);
  const all = Array.from({ length: kColours }, (_, colour) => ({ member: `a${colour}`, colour }));
  assert.equal(free_colour(second, all), 3);
});
