// The scoreboard as events have made it: for each match the last event that was seen.
//
// A value without DOM, clock or network. Each event carries the whole state of its match and a
// number within it (`seq`, from 1), so a conflated stream is enough, an event handed in twice
// changes nothing, and how many events conflation left out can be said exactly.
// (Not a replay of every event: a page that opens in round 9 would need 500 to show 36 scores.)

export class ScoreState {
  #last_of_match = new Map();
  #accepted = 0;

  // Takes the data of one event. Answers 'changed', 'repeat' (known already) or 'malformed'.
  apply(data) {
    if (!is_match_event(data)) return 'malformed';
    if (this.has(data.match, data.seq)) return 'repeat';
    this.#last_of_match.set(data.match, data);
    this.#accepted += 1;
    return 'changed';
  }

  has(match, seq) {
    return (this.#last_of_match.get(match)?.seq ?? 0) >= seq;
  }

  // All matches that have begun, in order of round and match.
  matches() {
    return [...this.#last_of_match.values()].sort(by_round_then_match);
  }

  in_play() {
    return this.matches().filter((match) => !match.last);
  }

  finished() {
    return this.matches().filter((match) => match.last);
  }

  // The latest round in which a match has begun, 0 before the first kick-off.
  round() {
    return Math.max(0, ...this.matches().map((match) => match.round));
  }

  matches_of_round(round) {
    return this.matches().filter((match) => match.round === round);
  }

  // How many events the hub stored for these matches without this page being sent them: each was
  // followed by a later one of its match before the page's turn came.
  conflated_away() {
    const stored = this.matches().reduce((sum, match) => sum + match.seq, 0);
    return stored - this.#accepted;
  }
}

// True for data that the rest of the page can show without asking again.
export function is_match_event(data) {
  return data !== null && typeof data === 'object' &&
    [data.match, data.home, data.away, data.phase, data.what].every(is_filled_string) &&
    [data.round, data.seq].every((value) => Number.isSafeInteger(value) && value > 0) &&
    [data.minute, data.added].every(is_count) &&
    is_pair_of_counts(data.score) && is_pair_of_counts(data.reds) &&
    Array.isArray(data.goals) && data.goals.every(is_goal) &&
    typeof data.last === 'boolean';
}

function is_goal(goal) {
  return goal !== null && typeof goal === 'object' && is_filled_string(goal.club) &&
    is_filled_string(goal.player) && is_count(goal.minute) && is_count(goal.added);
}

function is_filled_string(value) {
  return typeof value === 'string' && value.length > 0;
}

function is_count(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function is_pair_of_counts(value) {
  return Array.isArray(value) && value.length === 2 && value.every(is_count);
}

function by_round_then_match(one, other) {
  return one.round - other.round || (one.match < other.match ? -1 : 1);
}
