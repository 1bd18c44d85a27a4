// The arena as this page knows it: the last state of each player and bell, from conflated events.

import { kColours, sound_name } from '../self.js';

export class World {
  #players = new Map(); // by member
  #bells = new Map(); // by number

  // The data of an event of arena.state; false when it makes no sense.
  apply(data) {
    if (is_place(data) && Number.isInteger(data.bell)) {
      this.#bells.set(data.bell, { x: data.x, y: data.y });
      return true;
    }
    if (typeof data?.player !== 'string') return false;
    if (data.left === true) return this.#players.delete(data.player) || true;
    if (!is_place(data) || !Number.isInteger(data.rings)) return false;
    const { player, x, y, rings, dashing } = data;
    const colour = Number.isInteger(data.colour) ? Math.abs(data.colour) % kColours : 0;
    this.#players.set(player, {
      player, x, y, rings, dashing: dashing === true, colour, name: sound_name(data.name),
    });
    return true;
  }

  clear() {
    this.#players.clear();
    this.#bells.clear();
  }

  player(member) {
    return this.#players.get(member) ?? null;
  }

  players() {
    return [...this.#players.values()];
  }

  bells() {
    return [...this.#bells].sort(([one], [other]) => one - other).map(([, place]) => place);
  }

  // By rings; of as many, in the order of their coming.
  standings() {
    return this.players().sort((one, other) => (
      other.rings - one.rings || (one.player < other.player ? -1 : 1)));
  }

  // All there is, as text: equal for all who have been told everything.
  fingerprint() {
    const players = this.players().sort((one, other) => (one.player < other.player ? -1 : 1));
    return JSON.stringify([players, this.bells()]);
  }
}

function is_place(data) {
  return Number.isFinite(data?.x) && Number.isFinite(data?.y);
}
