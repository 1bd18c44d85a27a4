import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SequenceCheck } from './sequence_check.mjs';

function check_of(...events) {
  const check = new SequenceCheck();
  for (const [match, seq, last = false] of events) check.take(JSON.stringify({ match, seq, last }));
  return check;
}

test('matches that run through each other, each in order to its last event, are faultless', () => {
  const check = check_of(['m1', 1], ['m2', 1], ['m1', 2, true], ['m2', 2], ['m2', 3, true]);

  assert.ok(check.is_faultless());
  assert.ok(check.has_seen(5));
  assert.equal(check.unfinished(), 0);
});

test('an event that is left out is counted as lost', () => {
  const check = check_of(['m1', 1], ['m1', 4]);

  assert.equal(check.lost, 2);
  assert.ok(!check.is_faultless());
});

test('a first event that does not come is counted as lost', () => {
  assert.equal(check_of(['m1', 2]).lost, 1);
});

test('an event that comes twice, or late, is counted as repeated', () => {
  const check = check_of(['m1', 1], ['m1', 2], ['m1', 2], ['m1', 1]);

  assert.equal(check.repeated, 2);
  assert.equal(check.events, 2);
});

test('data that is no match event is counted as malformed', () => {
  const check = new SequenceCheck();

  check.take('not JSON');
  check.take('null');
  check.take('{"match":"m1"}');

  assert.equal(check.malformed, 3);
});

test('a match whose last event has not come is unfinished', () => {
  assert.equal(check_of(['m1', 1], ['m2', 1, true]).unfinished(), 1);
});
