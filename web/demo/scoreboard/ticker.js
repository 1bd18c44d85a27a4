// The latest events, newest first. Can be held still, since text that moves by itself must be.

import { element, set_text } from '../dom.js';
import { club_named } from './league.js';
import { clock_words, score_words, what_words, who_words } from './match_words.js';

const kLinesMax = 40;

export class Ticker {
  #region;
  #list;
  #hold_button;
  #waiting = [];
  #held = false;

  constructor({ region, list, hold_button }) {
    this.#region = region;
    this.#list = list;
    this.#hold_button = hold_button;
    hold_button.addEventListener('click', () => this.#set_held(!this.#held));
  }

  add(match) {
    this.#waiting.unshift(match);
    this.#waiting.length = Math.min(this.#waiting.length, kLinesMax);
  }

  // Screen readers wait with a busy region, so catching up is not read out line by line.
  set_busy(busy) {
    this.#region.setAttribute('aria-busy', String(busy));
  }

  render() {
    if (this.#held) {
      const count = this.#waiting.length;
      set_text(this.#hold_button, count === 0 ? 'Go on' : `Go on (${count} waiting)`);
      return;
    }
    if (this.#waiting.length === 0) return;
    this.#list.prepend(...this.#waiting.map(ticker_line));
    this.#waiting = [];
    while (this.#list.children.length > kLinesMax) this.#list.lastElementChild.remove();
  }

  clear() {
    this.#waiting = [];
    this.#list.replaceChildren();
  }

  #set_held(held) {
    this.#held = held;
    this.#hold_button.setAttribute('aria-pressed', String(held));
    if (!held) set_text(this.#hold_button, 'Hold');
    this.render();
  }
}

function ticker_line(match) {
  const home = club_named(match.home).code;
  const away = club_named(match.away).code;
  const who = who_words(match);
  return element('li', { 'class': 'line', 'data-what': match.what },
    element('span', { class: 'line-clock' }, clock_words(match)),
    element('span', { class: 'line-what' }, what_words(match)),
    element('span', { class: 'line-score' }, `${home} ${score_words(match)} ${away}`),
    ...(who ? [element('span', { class: 'line-who' }, who)] : []));
}
