// What the page, the viewers and the browser test take for granted of the season.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { club_named, kClubs, kMatches, kRounds } from './league.js';
import { is_match_event, ScoreState } from './score_state.js';

const kSeason = JSON.parse(readFileSync(new URL('season.json', import.meta.url), 'utf8'));

function events_by_match() {
  const events_of = new Map();
  for (const { match, data } of kSeason.events) {
    events_of.set(match, [...(events_of.get(match) ?? []), data]);
  }
  return events_of;
}

test('the page and the season know the same clubs', () => {
  const of_season = kSeason.clubs.map(({ name, code }) => [name, code]);

  assert.deepEqual(kClubs.map(({ name, code }) => [name, code]), of_season);
  assert.equal(club_named('Strangers').code, 'STR');
});

test('every club plays every other at home and away', () => {
  const fixtures = new Set(kSeason.events.map(({ data }) => `${data.home} v ${data.away}`));
  const rounds = new Set(kSeason.events.map(({ data }) => data.round));

  assert.equal(fixtures.size, kMatches);
  assert.equal(kClubs.length * (kClubs.length - 1), kMatches);
  assert.equal(rounds.size, kRounds);
});

test('every event is one that the page can show, filed under its own match', () => {
  for (const event of kSeason.events) {
    assert.ok(is_match_event(event.data), JSON.stringify(event));
    assert.equal(event.match, event.data.match);
    assert.match(event.type, /^scoreboard\.[a-z-]+$/);
  }
});

test('events lie in the order in which they are played', () => {
  const times = kSeason.events.map((event) => event.at);

  assert.deepEqual(times, [...times].sort((a, b) => a - b));
});

test('the events of a match are numbered from 1, and the last one says so', () => {
  for (const [match, events] of events_by_match()) {
    assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1), match);
    assert.deepEqual(events.filter(({ last }) => last), events.slice(-1), match);
  }
});

test('goals add up to the score at every event', () => {
  for (const events of events_by_match().values()) {
    for (const { home, away, goals, score } of events) {
      const goals_of = (club) => goals.filter((goal) => goal.club === club).length;
      assert.deepEqual([goals_of(home), goals_of(away)], score);
    }
  }
});

test('players belong to the club that they play for', () => {
  const squads = new Map(kSeason.clubs.map(({ name, squad }) => [name, squad]));

  for (const { data } of kSeason.events.filter((event) => event.data.player)) {
    assert.ok(squads.get(data.club).includes(data.player), data.player);
    if (data.replaced) assert.ok(squads.get(data.club).includes(data.replaced), data.replaced);
  }
});

test('the last event of each match alone gives the state that all events give', () => {
  const from_all = new ScoreState();
  const from_last = new ScoreState();

  for (const { data } of kSeason.events) from_all.apply(data);
  for (const { data } of kSeason.events.filter((event) => event.data.last)) from_last.apply(data);

  assert.deepEqual(from_last.matches(), from_all.matches());
  assert.equal(from_last.conflated_away(), kSeason.events.length - kMatches);
});
