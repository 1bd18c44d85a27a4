// The news of the arena in words: announcements of the referee, and what players say.

import { sound_name } from '../self.js';

export const kChatCharactersMax = 200;

// { round, words } of the data of an event of arena.announcements; null when it makes no sense.
export function announcement(data) {
  if (!Number.isInteger(data?.round)) return null;
  const { round } = data;
  const words = {
    'round-began': () => `Round ${round} begins: ${data.rings_to_win} rings win it.`,
    'lead': () => `${rung(data.leader)}: in the lead.`,
    'round-won': () => `${sound_name(data.standings?.[0]?.name)} wins round ${round}${
      runners_up(data.standings)}.`,
  }[data.what];
  return words ? { round, words: words() } : null;
}

// { name, words } of the data of an event of arena.chat; null when nothing is said.
export function saying(data) {
  if (typeof data?.text !== 'string' || data.text.trim() === '') return null;
  return { name: sound_name(data.name), words: data.text.trim().slice(0, kChatCharactersMax) };
}

function rung(standing) {
  return `${sound_name(standing?.name)} has rung ${Number(standing?.rings) || 0}`;
}

function runners_up(standings) {
  const behind = (standings ?? []).slice(1, 3).map(({ name, rings }) => (
    `${sound_name(name)} with ${Number(rings) || 0}`));
  return behind.length === 0 ? '' : `, before ${behind.join(' and ')}`;
}
