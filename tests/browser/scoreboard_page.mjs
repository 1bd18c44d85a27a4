// The scoreboard's page in a browser: what it shows, and what it ought to show.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { errors_of } from './chromium.mjs';

const kSeasonJson = new URL('../../web/demo/scoreboard/season.json', import.meta.url);
const kSeason = JSON.parse(readFileSync(kSeasonJson, 'utf8'));

export const kMatchCount = new Set(kSeason.events.map((event) => event.match)).size;

// The data of every event of the season.
export const kOver = kSeason.events.map((event) => event.data);

// `where` has the url of a hub, or of something in front of one.
export async function open_scoreboard(browser, t, where, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const errors = errors_of(page);
  await page.goto(`${where.url}/demo/scoreboard`);
  return { page, context, errors };
}

export function connection_is(page, state) {
  return page.waitForSelector(`#connection[data-state="${state}"]`);
}

export function season_is_over(page) {
  return page.waitForSelector('#champion:not([hidden])');
}

export function count_reaches(page, id, at_least) {
  return page.waitForFunction(([of, least]) => (
    Number(document.getElementById(of).value) >= least), [id, at_least]);
}

// What a person reads off the page.
export function shown_on(page) {
  return page.evaluate(() => {
    const texts = (root, selector) => (
      [...root.querySelectorAll(selector)].map((node) => node.textContent));
    const count = (id) => Number(document.getElementById(id).value);
    return {
      table: [...document.querySelectorAll('#table-body tr')].map((row) => ({
        club: row.dataset.club, numbers: texts(row, 'td').slice(1, 9).join(' '),
      })),
      results: Object.fromEntries([...document.querySelectorAll('.result')].map((row) => (
        [row.dataset.match, texts(row, 'span').join(' ')]))),
      cards: Object.fromEntries([...document.querySelectorAll('.card')].map((card) => (
        [card.dataset.match, [card.dataset.phase, ...texts(card, '.side .tile')].join(' ')]))),
      received: count('received'), conflated: count('conflated'), repeats: count('repeats'),
      malformed: count('malformed'), gaps: count('gaps'),
    };
  });
}

// The same, worked out from events by other means than the page's.
export function expected_from(events) {
  const last_of = Object.fromEntries(events.map((data) => [data.match, data]));
  const matches = Object.values(last_of);
  const round = Math.max(...matches.map((match) => match.round));
  const finished = matches.filter((match) => match.last);
  const words = ({ home, away, score }) => `${home} ${score[0]}–${score[1]} ${away}`;
  const of_round = matches.filter((match) => match.round === round);
  return {
    table: expected_table(matches),
    results: Object.fromEntries(finished.map((match) => [match.match, words(match)])),
    cards: Object.fromEntries(of_round.map(({ match, phase, score }) => (
      [match, `${phase} ${score[0]} ${score[1]}`]))),
  };
}

export function expected_table(matches) {
  const rows = kSeason.clubs.map(({ name }) => {
    const own = matches.filter(({ home, away }) => [home, away].includes(name)).map((match) => (
      match.home === name ? match.score : [match.score[1], match.score[0]]));
    const won = own.filter(([ours, theirs]) => ours > theirs).length;
    const drawn = own.filter(([ours, theirs]) => ours === theirs).length;
    const scored = own.reduce((sum, [ours]) => sum + ours, 0);
    const conceded = own.reduce((sum, [, theirs]) => sum + theirs, 0);
    return { name, played: own.length, won, drawn, scored, conceded, points: 3 * won + drawn };
  });
  const rank = (row) => row.points * 1e6 + (row.scored - row.conceded) * 1e3 + row.scored;
  rows.sort((one, other) => rank(other) - rank(one) || (one.name < other.name ? -1 : 1));
  return rows.map(({ name, played, won, drawn, scored, conceded, points }) => {
    const difference = scored - conceded;
    const sign = difference > 0 ? '+' : difference < 0 ? '−' : '';
    return {
      club: name,
      numbers: [played, won, drawn, played - won - drawn, scored, conceded,
        `${sign}${Math.abs(difference)}`, points].join(' '),
    };
  });
}

export function assert_shows(shown, events) {
  const { table, results, cards } = shown;
  assert.deepEqual({ table, results, cards }, expected_from(events));
  assert.equal(shown.received + shown.conflated - shown.repeats, events.length);
  assert.deepEqual([shown.repeats, shown.malformed, shown.gaps], [0, 0, 0]);
}
