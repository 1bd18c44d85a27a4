// Views of the parts that panels.css sets: connection, notices, counts; and when to draw them.

import { element, set_attribute, set_text } from './dom.js';

// `root` has .connection-word and .connection-note.
export function show_connection(root, state, [word, note]) {
  set_attribute(root, 'data-state', state);
  set_text(root.querySelector('.connection-word'), word);
  set_text(root.querySelector('.connection-note'), note);
}

// A notice stays until it is dismissed: a gap must not pass unseen.
export function add_notice(notices, words) {
  const dismiss = element('button', { 'type': 'button', 'class': 'button' }, 'Dismiss');
  const notice = element('li', { class: 'notice' }, element('p', {}, words), dismiss);
  dismiss.addEventListener('click', () => {
    notice.remove();
    notices.focus();
  });
  notices.append(notice);
}

const kCounts = new Intl.NumberFormat('en');

export function set_count(node, value) {
  set_attribute(node, 'value', String(value));
  set_text(node, kCounts.format(value));
}

// Draws at most once a frame, however often it is asked.
export class Frame {
  #draw;
  #is_asked = false;

  constructor(draw) {
    this.#draw = draw;
  }

  ask() {
    if (this.#is_asked) return;
    this.#is_asked = true;
    requestAnimationFrame(() => {
      this.#is_asked = false;
      this.#draw();
    });
  }
}
