// The league table, computed from nothing but the last event of each match.

const kFormLength = 5;

// One row a club, best first: points, then goal difference, then goals scored, then name.
// `in_play: 'counted'` takes matches in play as if they ended now; 'left-out' waits for full time.
export function league_table(club_names, matches, { in_play }) {
  const rows = new Map(club_names.map((name) => [name, new_row(name)]));
  for (const match of matches) {
    if (!rows.has(match.home) || !rows.has(match.away)) continue;
    const [home, away] = match.score;
    if (!match.last) {
      rows.get(match.home).playing = true;
      rows.get(match.away).playing = true;
      if (in_play === 'left-out') continue;
    }
    add_result(rows.get(match.home), home, away);
    add_result(rows.get(match.away), away, home);
  }
  const table = [...rows.values()].sort(by_standing);
  return table.map((row, index) => (
    { ...row, place: index + 1, form: row.form.slice(-kFormLength) }));
}

function new_row(club) {
  return {
    club, playing: false, played: 0, won: 0, drawn: 0, lost: 0,
    goals_for: 0, goals_against: 0, difference: 0, points: 0, form: [],
  };
}

function add_result(row, scored, conceded) {
  const result = scored > conceded ? 'won' : scored < conceded ? 'lost' : 'drawn';
  row.played += 1;
  row[result] += 1;
  row.goals_for += scored;
  row.goals_against += conceded;
  row.difference += scored - conceded;
  row.points += { won: 3, drawn: 1, lost: 0 }[result];
  row.form.push(result);
}

function by_standing(one, other) {
  return other.points - one.points || other.difference - one.difference ||
    other.goals_for - one.goals_for || (one.club < other.club ? -1 : 1);
}
