// The league table as rows that keep their element, so that a club which climbs is seen to climb.

import { club_badge } from './club_badge.js';
import { element, motion_is_welcome, set_attribute, set_children, set_text } from '../dom.js';
import { club_named } from './league.js';

const kNumbers = [
  ['played', ''], ['won', 'wide'], ['drawn', 'wide'], ['lost', 'wide'],
  ['goals_for', 'wide'], ['goals_against', 'wide'], ['difference', ''], ['points', 'points'],
];

export class TableView {
  #body;
  #row_of_club = new Map();

  constructor(body) {
    this.#body = body;
  }

  render(table) {
    const tops_before = this.#tops();
    const rows = table.map((standing) => this.#row(standing.club));
    rows.forEach((row, index) => row.render(table[index]));
    set_children(this.#body, rows.map((row) => row.root));
    if (tops_before.size > 0 && motion_is_welcome()) slide_from(tops_before);
  }

  #row(club) {
    if (!this.#row_of_club.has(club)) this.#row_of_club.set(club, new TableRow(club));
    return this.#row_of_club.get(club);
  }

  #tops() {
    return new Map([...this.#body.children].map((row) => [row, row.offsetTop]));
  }
}

class TableRow {
  #place = element('td', { class: 'place' });
  #playing = element('span', { class: 'playing' },
    element('span', { class: 'unseen' }, 'playing now'));
  #form = element('td', { class: 'form wide' });
  #numbers = kNumbers.map(([, shown]) => element('td', { class: shown }));

  constructor(club) {
    this.root = element('tr', { 'data-club': club },
      this.#place,
      element('th', { scope: 'row' },
        element('span', { class: 'club' }, club_badge(club_named(club)),
          element('span', { class: 'club-name' }, club), this.#playing)),
      ...this.#numbers, this.#form);
  }

  render(standing) {
    set_text(this.#place, String(standing.place));
    this.#playing.hidden = !standing.playing;
    kNumbers.forEach(([name], index) => {
      const value = standing[name];
      set_text(this.#numbers[index], name === 'difference' ? signed(value) : String(value));
    });
    set_attribute(this.root, 'data-points', String(standing.points));
    this.#render_form(standing.form);
  }

  #render_form(form) {
    const words = form.join(' ');
    if (this.#form.dataset.form === words) return;
    this.#form.dataset.form = words;
    this.#form.replaceChildren(...form.map((result) =>
      element('abbr', { class: `form-${result}`, title: result }, result[0].toUpperCase())));
  }
}

function signed(value) {
  if (value === 0) return '0';
  return value > 0 ? `+${value}` : `−${-value}`;
}

function slide_from(tops_before) {
  for (const [row, top] of tops_before) {
    const moved = top - row.offsetTop;
    if (moved === 0 || !row.isConnected) continue;
    const from = { transform: `translateY(${moved}px)` };
    row.animate([from, { transform: 'none' }], { duration: 450, easing: 'ease-in-out' });
  }
}
