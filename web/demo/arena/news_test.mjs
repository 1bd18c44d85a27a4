import assert from 'node:assert/strict';
import { test } from 'node:test';

import { announcement, kChatCharactersMax, saying } from './news.js';

test('the referee is heard in words', () => {
  const leader = { player: 'm1', name: 'Ann', rings: 7 };
  const standings = [leader, { name: 'Bob', rings: 4 }, { name: 'Cleo', rings: 3 }, { name: 'Di' }];

  assert.deepEqual(announcement({ what: 'round-began', round: 3, rings_to_win: 15 }),
    { round: 3, words: 'Round 3 begins: 15 rings win it.' });
  assert.deepEqual(announcement({ what: 'lead', round: 3, leader }),
    { round: 3, words: 'Ann has rung 7: in the lead.' });
  assert.deepEqual(announcement({ what: 'round-won', round: 3, standings }),
    { round: 3, words: 'Ann wins round 3, before Bob with 4 and Cleo with 3.' });
  assert.equal(announcement({ what: 'round-won', round: 3, standings: [leader] }).words,
    'Ann wins round 3.');
});

test('what makes no sense is no news', () => {
  for (const data of [null, undefined, 'x', {}, { round: 'one' }, { round: 1, what: 'else' }]) {
    assert.equal(announcement(data), null);
  }
  for (const data of [null, {}, { text: 7 }, { name: 'Ann', text: '  ' }]) {
    assert.equal(saying(data), null);
  }
});

test('what is said is cut to a line, and its speaker has a name', () => {
  assert.deepEqual(saying({ text: ' hello ' }), { name: 'Somebody', words: 'hello' });
  assert.equal(saying({ name: 'Ann', text: 'x'.repeat(1_000) }).words.length, kChatCharactersMax);
});
