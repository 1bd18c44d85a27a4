import assert from 'node:assert/strict';
import { test } from 'node:test';

import { match_event } from './fake_match.mjs';
import { is_match_event, ScoreState } from './score_state.js';

test('a match shows the last event that was seen of it', () => {
  const state = new ScoreState();

  state.apply(match_event({ seq: 1 }));
  const outcome = state.apply(match_event({ seq: 2, score: [1, 0], what: 'goal' }));

  assert.equal(outcome, 'changed');
  assert.deepEqual(state.matches().map((match) => match.score), [[1, 0]]);
});

test('an event that comes again, or late, changes nothing', () => {
  const state = new ScoreState();
  state.apply(match_event({ seq: 3, score: [2, 1] }));

  assert.equal(state.apply(match_event({ seq: 3, score: [9, 9] })), 'repeat');
  assert.equal(state.apply(match_event({ seq: 2, score: [9, 9] })), 'repeat');
  assert.deepEqual(state.matches()[0].score, [2, 1]);
});

test('what conflation left out is counted exactly', () => {
  const state = new ScoreState();

  state.apply(match_event({ match: 'm01', seq: 4 }));
  state.apply(match_event({ match: 'm01', seq: 5 }));
  state.apply(match_event({ match: 'm02', seq: 1 }));

  assert.equal(state.conflated_away(), 3);
});

test('matches in play and finished matches are told apart by their last event', () => {
  const state = new ScoreState();

  state.apply(match_event({ match: 'm01', last: true, phase: 'full-time' }));
  state.apply(match_event({ match: 'm02', phase: 'half-time' }));

  assert.deepEqual(state.in_play().map((match) => match.match), ['m02']);
  assert.deepEqual(state.finished().map((match) => match.match), ['m01']);
});

test('matches come in the order of round and match, however their events came', () => {
  const state = new ScoreState();

  for (const [match, round] of [['m05', 2], ['m02', 1], ['m01', 1]]) {
    state.apply(match_event({ match, round }));
  }

  assert.deepEqual(state.matches().map((match) => match.match), ['m01', 'm02', 'm05']);
  assert.equal(state.round(), 2);
  assert.deepEqual(state.matches_of_round(1).map((match) => match.match), ['m01', 'm02']);
});

test('before the first kick-off there is no round and no match', () => {
  const state = new ScoreState();

  assert.equal(state.round(), 0);
  assert.deepEqual(state.matches(), []);
  assert.equal(state.conflated_away(), 0);
});

test('data that is no match event is refused, whatever field is wrong', () => {
  const state = new ScoreState();
  const wrong_values = {
    match: 7, round: 0, home: '', away: null, score: [1], minute: -1, added: 0.5, phase: undefined,
    what: {}, goals: [{ club: 'A' }], reds: [0, -1], seq: 0, last: 'yes',
  };

  for (const [field, value] of Object.entries(wrong_values)) {
    assert.equal(state.apply(match_event({ [field]: value })), 'malformed', field);
  }
  for (const data of [null, 'goal', 3, [], {}]) assert.equal(state.apply(data), 'malformed');
  assert.deepEqual(state.matches(), []);
});

test('a field that a later version adds does no harm', () => {
  assert.ok(is_match_event(match_event({ referee: 'A. Nobody' })));
});
