import assert from 'node:assert/strict';
import { test } from 'node:test';

import { league_table } from './league_table.js';
import { result } from './fake_match.mjs';

const kClubs = ['Aye', 'Bee', 'Sea'];

function table_of(matches, options = { in_play: 'counted' }) {
  return league_table(kClubs, matches, options);
}

test('a win is three points, a draw one', () => {
  const table = table_of([result('Aye', 'Bee', [2, 1]), result('Bee', 'Sea', [0, 0])]);

  const standings = table.map(({ club, points }) => [club, points]);
  assert.deepEqual(standings, [['Aye', 3], ['Sea', 1], ['Bee', 1]]);
  const [best] = table;
  assert.deepEqual([best.played, best.won, best.drawn, best.lost], [1, 1, 0, 0]);
  assert.deepEqual([best.goals_for, best.goals_against, best.difference], [2, 1, 1]);
});

test('clubs on equal points stand by goal difference, then goals, then name', () => {
  const by_difference = table_of([result('Bee', 'Sea', [3, 0]), result('Aye', 'Sea', [1, 0])]);
  const by_goals = table_of([result('Bee', 'Sea', [3, 2]), result('Aye', 'Sea', [1, 0])]);
  const by_name = table_of([]);

  assert.deepEqual(by_difference.map((row) => row.club), ['Bee', 'Aye', 'Sea']);
  assert.deepEqual(by_goals.map((row) => row.club), ['Bee', 'Aye', 'Sea']);
  assert.deepEqual(by_name.map((row) => row.club), ['Aye', 'Bee', 'Sea']);
  assert.deepEqual(by_name.map((row) => row.place), [1, 2, 3]);
});

test('a match in play counts as it stands, or not at all, as the reader wants', () => {
  const in_play = [result('Sea', 'Aye', [1, 0], { last: false, phase: 'second-half' })];

  const counted = table_of(in_play, { in_play: 'counted' });
  const left_out = table_of(in_play, { in_play: 'left-out' });

  assert.equal(counted[0].club, 'Sea');
  assert.equal(counted[0].points, 3);
  assert.ok(left_out.every((row) => row.played === 0));
  assert.deepEqual(left_out.filter((row) => row.playing).map((row) => row.club), ['Aye', 'Sea']);
});

test('the form is the last five results, the latest last', () => {
  const scores = [[0, 1], [1, 0], [1, 0], [0, 0], [1, 0], [0, 2]];
  const matches = scores.map((score, index) => result('Aye', 'Bee', score, { match: `m${index}` }));

  const row = table_of(matches).find(({ club }) => club === 'Aye');

  assert.deepEqual(row.form, ['won', 'won', 'drawn', 'won', 'lost']);
});

test('a match of clubs that the league does not know is left out', () => {
  const table = table_of([result('Aye', 'Strangers', [5, 0])]);

  assert.ok(table.every((row) => row.played === 0));
});
