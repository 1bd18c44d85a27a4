// A match event in words that people use. Strings in, strings out.

const kPhases = {
  'first-half': 'First half', 'half-time': 'Half-time',
  'second-half': 'Second half', 'full-time': 'Full time',
};

const kHappenings = {
  'kickoff': 'Kick-off', 'goal': 'Goal', 'penalty': 'Penalty scored', 'yellow-card': 'Yellow card',
  'red-card': 'Red card', 'substitution': 'Substitution', 'half-time': 'Half-time',
  'second-half': 'Second half begins', 'full-time': 'Full time',
};

// 45+2′ for the second minute that was added to the first half.
export function minute_words({ minute, added }) {
  return added > 0 ? `${minute}+${added}′` : `${minute}′`;
}

// What stands in the corner of a match: its minute while it is played, HT and FT when it is not.
export function clock_words(match) {
  if (match.phase === 'half-time') return 'HT';
  if (match.phase === 'full-time') return 'FT';
  return minute_words(match);
}

export function phase_words(match) {
  return kPhases[match.phase] ?? match.phase;
}

export function what_words(match) {
  return kHappenings[match.what] ?? match.what;
}

// Whom it happened to, with the club unless `club: 'left-out'`; empty when it happened to nobody.
export function who_words(match, { club } = { club: 'named' }) {
  if (!match.player) return '';
  const who = match.replaced ? `${match.player} for ${match.replaced}` : match.player;
  return club === 'named' && match.club ? `${who}, ${match.club}` : who;
}

// The scorers of one club: `Sorel 23′, 61′ · de Graaf 45+1′`; a line breaks between scorers only.
export function scorer_words(match, club) {
  const minutes_of = new Map();
  for (const goal of match.goals.filter((scored) => scored.club === club)) {
    const name = family_name(goal.player);
    minutes_of.set(name, [...(minutes_of.get(name) ?? []), minute_words(goal)]);
  }
  const words = [...minutes_of].map(([name, minutes]) => `${name} ${minutes.join(', ')}`);
  return words.map((scorer) => scorer.replaceAll(' ', '\u00a0')).join(' · ');
}

export function family_name(player) {
  const space = player.indexOf(' ');
  return space < 0 ? player : player.slice(space + 1);
}

export function score_words(match) {
  return `${match.score[0]}–${match.score[1]}`;
}

const kGapReasons = {
  expired: 'events were removed from the log before this page read them',
  epoch: 'the log was made anew or restored',
  unknown: 'the hub does not know the place this page had reached',
  restart: 'the hub restarted and this topic is kept in memory only',
  deleted: 'the topic was deleted and made again',
  damaged: 'a part of the log cannot be read',
};

export function gap_words(gap) {
  return `Gap: ${kGapReasons[gap.reason] ?? gap.reason ?? 'no reason was given'}.`;
}
