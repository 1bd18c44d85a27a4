// A match event for tests: what a test does not name is plain.

export function match_event(overrides = {}) {
  return {
    match: 'm01', round: 1, home: 'Kestrel Heath', away: 'Stonebeck City', score: [0, 0], minute: 0,
    added: 0, phase: 'first-half', what: 'kickoff', player: null, replaced: null, club: null,
    goals: [], reds: [0, 0], seq: 1, last: false, ...overrides,
  };
}

export function result(home, away, score, overrides = {}) {
  return match_event({
    match: `${home}-${away}`, home, away, score, minute: 90, phase: 'full-time', what: 'full-time',
    last: true, ...overrides,
  });
}
