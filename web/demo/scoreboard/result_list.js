// Every finished match, by round, the latest round first.

import { element, set_children } from '../dom.js';
import { score_words } from './match_words.js';

export class ResultList {
  #root;
  #round_of_number = new Map();
  #row_of_match = new Map();

  constructor(root) {
    this.#root = root;
  }

  // A result never changes, so a row that exists is left as it is.
  render(finished) {
    const rounds = [...new Set(finished.map((match) => match.round))].sort((a, b) => b - a);
    for (const number of rounds) {
      const matches = finished.filter((match) => match.round === number);
      set_children(this.#round(number).list, matches.map((match) => this.#row(match)));
    }
    set_children(this.#root, rounds.map((number) => this.#round(number).root));
  }

  clear() {
    this.#round_of_number.clear();
    this.#row_of_match.clear();
    this.#root.replaceChildren();
  }

  #round(number) {
    if (!this.#round_of_number.has(number)) {
      const list = element('ul', { class: 'results' });
      const heading = element('h3', {}, `Round ${number}`);
      const root = element('li', { class: 'round' }, heading, list);
      this.#round_of_number.set(number, { list, root });
    }
    return this.#round_of_number.get(number);
  }

  #row(match) {
    if (!this.#row_of_match.has(match.match)) {
      const row = element('li', { 'class': 'result', 'data-match': match.match },
        result_side(match, 0),
        element('span', { class: 'result-score' }, score_words(match)),
        result_side(match, 1));
      this.#row_of_match.set(match.match, row);
    }
    return this.#row_of_match.get(match.match);
  }
}

function result_side(match, index) {
  const won = match.score[index] > match.score[1 - index];
  const name = index === 0 ? match.home : match.away;
  return element('span', { class: won ? 'result-club is-winner' : 'result-club' }, name);
}
