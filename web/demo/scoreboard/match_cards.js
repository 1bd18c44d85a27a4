// The matches of the round that is being played, one panel of the board each.

import { club_badge } from './club_badge.js';
import { element, motion_is_welcome, set_attribute, set_children, set_text } from '../dom.js';
import { club_named } from './league.js';
import { clock_words, phase_words, scorer_words, what_words, who_words } from './match_words.js';

export class MatchCards {
  #list;
  #card_of_match = new Map();

  constructor(list) {
    this.#list = list;
  }

  render(matches) {
    const shown = new Map(matches.map((match) => [match.match, this.#card(match)]));
    for (const match of matches) shown.get(match.match).render(match);
    set_children(this.#list, [...shown.values()].map((card) => card.root));
    this.#card_of_match = shown;
  }

  #card(match) {
    return this.#card_of_match.get(match.match) ?? new MatchCard(match);
  }
}

class MatchCard {
  #clock = element('span', { class: 'card-clock' });
  #phase = element('span', { class: 'card-phase' });
  #happening = element('p', { class: 'card-happening' });
  #sides;

  constructor(match) {
    this.#sides = [new CardSide(match.home), new CardSide(match.away)];
    this.root = element('li', { 'class': 'card', 'data-match': match.match },
      element('article', { 'aria-label': `${match.home} against ${match.away}` },
        element('p', { class: 'card-top' }, this.#clock, this.#phase),
        ...this.#sides.map((side) => side.root),
        this.#happening));
  }

  render(match) {
    set_attribute(this.root, 'data-phase', match.phase);
    set_text(this.#clock, clock_words(match));
    set_text(this.#phase, match.phase === 'full-time' ? 'Result' : phase_words(match));
    set_text(this.#happening, happening_words(match));
    this.#sides.forEach((side, index) => side.render(match, index));
  }
}

class CardSide {
  #club;
  #score = element('span', { class: 'tile' });
  #reds = element('span', { class: 'reds' });
  #scorers = element('p', { class: 'scorers' });

  constructor(club) {
    this.#club = club;
    this.root = element('div', { class: 'side' },
      club_badge(club_named(club)),
      element('p', { class: 'side-name' }, element('span', {}, club), this.#reds),
      this.#scorers,
      this.#score);
  }

  render(match, index) {
    const score = String(match.score[index]);
    const scored = this.#score.textContent !== '' && this.#score.textContent !== score;
    set_text(this.#score, score);
    set_text(this.#scorers, scorer_words(match, this.#club));
    set_text(this.#reds, red_card_words(match.reds[index]));
    if (scored && motion_is_welcome()) {
      this.#score.animate(kFlip, { duration: 700, easing: 'ease-out' });
    }
  }
}

const kFlip = [
  { transform: 'perspective(12rem) rotateX(-80deg)', opacity: 0.4 },
  { transform: 'perspective(12rem) rotateX(18deg)', opacity: 1, offset: 0.6 },
  { transform: 'none', opacity: 1 },
];

// The corner of the card says it already when a half has ended.
function happening_words(match) {
  if (match.what === match.phase) return '';
  return [what_words(match), who_words(match)].filter(Boolean).join(' · ');
}

function red_card_words(count) {
  if (count === 0) return '';
  return count === 1 ? 'red card' : `${count} red cards`;
}
