import assert from 'node:assert/strict';
import { test } from 'node:test';

import { match_event } from './fake_match.mjs';
import {
  clock_words, gap_words, minute_words, scorer_words, what_words, who_words,
} from './match_words.js';

function plain(words) {
  return words.replaceAll('\u00a0', ' ');
}

test('added time is said as the minute it was added to', () => {
  assert.equal(minute_words({ minute: 23, added: 0 }), '23′');
  assert.equal(minute_words({ minute: 45, added: 2 }), '45+2′');
});

test('a match that rests or has ended shows HT or FT in place of its minute', () => {
  assert.equal(clock_words(match_event({ phase: 'half-time', minute: 45, added: 2 })), 'HT');
  assert.equal(clock_words(match_event({ phase: 'full-time', minute: 90, added: 5 })), 'FT');
  assert.equal(clock_words(match_event({ phase: 'second-half', minute: 61 })), '61′');
});

test('scorers are named once, with all their minutes, in the order of their first goal', () => {
  const goals = [
    { club: 'Kestrel Heath', player: 'Pim de Graaf', minute: 4, added: 0 },
    { club: 'Stonebeck City', player: 'Micah Grant', minute: 9, added: 0 },
    { club: 'Kestrel Heath', player: 'Jack Sallow', minute: 30, added: 0 },
    { club: 'Kestrel Heath', player: 'Pim de Graaf', minute: 45, added: 1 },
  ];

  const words = scorer_words(match_event({ goals }), 'Kestrel Heath');

  assert.equal(plain(words), 'de Graaf 4′, 45+1′ · Sallow 30′');
  assert.equal(words.split(' ').length, 3, 'breaks only between scorers');
});

test('a substitution names who came on, and for whom', () => {
  const words = who_words(match_event({
    what: 'substitution', player: 'Ed Marsh', replaced: 'Remy Dupuy', club: 'Kestrel Heath',
  }));

  assert.equal(words, 'Ed Marsh for Remy Dupuy, Kestrel Heath');
});

test('what happens to nobody names nobody', () => {
  assert.equal(who_words(match_event({ what: 'half-time' })), '');
});

test('a happening or a gap that this page does not know is shown as it came', () => {
  assert.equal(what_words(match_event({ what: 'drinks-break' })), 'drinks-break');
  assert.equal(gap_words({ reason: 'comet' }), 'Gap: comet.');
  assert.equal(gap_words({}), 'Gap: no reason was given.');
});
