// Who is on the document: the presence of each, and where their carets are in the text.

import { kColours, sound_name } from '../self.js';
import {
  createAbsolutePositionFromRelativePosition, createRelativePositionFromJSON,
  createRelativePositionFromTypeIndex, relativePositionToJSON,
} from './yjs.bundle.js';

const kLeft = 'carillon.presence.leave';

export class People {
  #states = new Map(); // by member

  // An event of the presence topic. What others say of themselves is not to be trusted.
  apply({ type, data }) {
    const member = data?.member;
    if (typeof member !== 'string') return;
    const state = type === kLeft ? null : sound_state(data.state);
    if (state === null) this.#states.delete(member);
    else this.#states.set(member, state);
  }

  clear() {
    this.#states.clear();
  }

  // [{ member, name, colour, anchor, head }] by name; `own` is left out.
  others(own) {
    return [...this.#states].filter(([member]) => member !== own)
      .map(([member, state]) => ({ member, ...state }))
      .sort((one, other) => (
        one.name.localeCompare(other.name) || (one.member < other.member ? -1 : 1)));
  }
}

// The colour to change to when somebody who is here longer (member names are in order of coming)
// has the same; the own one when nobody has, or when all are taken.
export function free_colour(own, others) {
  const clashes = others.some(({ member, colour }) => colour === own.colour && member < own.member);
  if (!clashes) return own.colour;
  const taken = others.map(({ colour }) => colour);
  const free = Array.from({ length: kColours }, (_, colour) => colour)
    .find((colour) => !taken.includes(colour));
  return free ?? own.colour;
}

// A selection as it travels: tied to the letters beside it, so that it moves with them.
export function tied_selection(text, selection) {
  if (selection === null) return {};
  const tie = (place) => relativePositionToJSON(createRelativePositionFromTypeIndex(text, place));
  return { anchor: tie(selection.anchor), head: tie(selection.head) };
}

// { start, end, head } as places in the text as it is now; null when there is none.
export function selection_in(text, { anchor, head }) {
  const places = [anchor, head].map((tied) => place_in(text, tied));
  if (places.includes(null)) return null;
  return { start: Math.min(...places), end: Math.max(...places), head: places[1] };
}

function place_in(text, tied) {
  if (typeof tied !== 'object' || tied === null) return null;
  try {
    const found = createAbsolutePositionFromRelativePosition(
      createRelativePositionFromJSON(tied), text.doc);
    return found?.type === text ? found.index : null;
  } catch {
    return null;
  }
}

function sound_state(state) {
  if (typeof state?.name !== 'string') return null;
  const colour = Number.isInteger(state.colour) ? Math.abs(state.colour) % kColours : 0;
  return { name: sound_name(state.name), colour, anchor: state.anchor, head: state.head };
}
