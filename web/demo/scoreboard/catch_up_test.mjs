import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CatchUp } from './catch_up.js';
import { match_event } from './fake_match.mjs';
import { ScoreState } from './score_state.js';

function state_of(...events) {
  const state = new ScoreState();
  for (const event of events) state.apply(event);
  return state;
}

test('a page has caught up when it holds the event that was newest when it connected', () => {
  const catch_up = new CatchUp();
  catch_up.aim_at(match_event({ match: 'm02', seq: 3 }));

  assert.ok(!catch_up.reached(state_of(match_event({ match: 'm02', seq: 2 }))));
  assert.ok(catch_up.reached(state_of(match_event({ match: 'm02', seq: 3 }))));
});

test('a later event of the same match counts too: conflation may leave the newest out', () => {
  const catch_up = new CatchUp();
  catch_up.aim_at(match_event({ seq: 3 }));

  assert.ok(catch_up.reached(state_of(match_event({ seq: 8 }))));
});

test('nothing is to be caught up with on an empty topic', () => {
  const catch_up = new CatchUp();

  catch_up.aim_at(null);

  assert.ok(catch_up.reached(state_of()));
});

test('a page is behind until it knows better, whatever heartbeats come', () => {
  const catch_up = new CatchUp();

  catch_up.heartbeat();

  assert.ok(!catch_up.reached(state_of(match_event({ seq: 9 }))));
});

test('where the newest event cannot be asked for, a heartbeat says that nothing is left', () => {
  const catch_up = new CatchUp();
  catch_up.aim_is_unknown();

  assert.ok(!catch_up.reached(state_of(match_event())));
  catch_up.heartbeat();
  assert.ok(catch_up.reached(state_of(match_event())));
});
