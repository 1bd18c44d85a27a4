// The carets and selections of the others, drawn on a copy of the text that lies over the text area
// and is set just as it is. The copy also gives the text area its height.

import { element } from '../dom.js';

const kZeroWidthSpace = '\u200b'; // gives an empty last line its height

export class Carets {
  #paper;

  constructor(paper) {
    this.#paper = paper;
  }

  // `people` are [{ name, colour, selection: { start, end, head } | null }].
  render(text, people) {
    const present = people.filter(({ selection }) => selection !== null);
    const places = present.flatMap(({ selection: { start, end } }) => [start, end]);
    const cuts = [...new Set([0, ...places, text.length])].sort((one, other) => one - other);
    const nodes = cuts.flatMap((from, index) => [
      ...present.filter(({ selection }) => selection.head === from).map(caret),
      ...piece(text.slice(from, cuts[index + 1] ?? from), from, present),
    ]);
    this.#paper.replaceChildren(...nodes, kZeroWidthSpace);
  }
}

function caret({ name, colour }) {
  return element('span', { class: 'caret', 'data-colour': colour },
    element('span', { class: 'caret-name' }, name));
}

function piece(text, from, present) {
  if (text === '') return [];
  const by = present.find(({ selection: { start, end } }) => start <= from && from < end);
  return [by ? element('span', { class: 'selected', 'data-colour': by.colour }, text) : text];
}
