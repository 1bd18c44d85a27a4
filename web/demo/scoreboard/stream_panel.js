// What the page knows of its stream: connection, events, conflation, repeats, gaps, cursor.

import { element, set_attribute, set_text } from './dom.js';

const kConnections = {
  'connecting': ['Connecting', 'to the hub'],
  'catching-up': ['Live', 'catching up'],
  'live': ['Live', 'caught up'],
  'reconnecting': ['Reconnecting', 'resumes at the cursor'],
};

export class StreamPanel {
  #parts;

  // `parts`: connection (with .connection-word and .connection-note), received, conflated, repeats,
  // malformed, gaps, cursor, notices.
  constructor(parts) {
    this.#parts = parts;
  }

  render({ connection, received, conflated, repeats, malformed, gaps, cursor }) {
    const [word, note] = kConnections[connection];
    set_attribute(this.#parts.connection, 'data-state', connection);
    set_text(this.#parts.connection.querySelector('.connection-word'), word);
    set_text(this.#parts.connection.querySelector('.connection-note'), note);
    set_count(this.#parts.received, received);
    set_count(this.#parts.conflated, conflated);
    set_count(this.#parts.repeats, repeats);
    set_count(this.#parts.malformed, malformed);
    set_count(this.#parts.gaps, gaps);
    set_text(this.#parts.cursor, cursor ?? '–');
  }

  // A notice stays until it is dismissed: a gap must not pass unseen.
  notice(words) {
    const dismiss = element('button', { 'type': 'button', 'class': 'button' }, 'Dismiss');
    const notice = element('li', { class: 'notice' }, element('p', {}, words), dismiss);
    dismiss.addEventListener('click', () => {
      notice.remove();
      this.#parts.notices.focus();
    });
    this.#parts.notices.append(notice);
  }
}

const kCounts = new Intl.NumberFormat('en');

function set_count(node, value) {
  set_attribute(node, 'value', String(value));
  set_text(node, kCounts.format(value));
}
