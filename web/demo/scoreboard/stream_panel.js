// What the page knows of its stream: connection, events, conflation, repeats, gaps, cursor.

import { set_text } from '../dom.js';
import { add_notice, set_count, show_connection } from '../panels.js';

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
    show_connection(this.#parts.connection, connection, kConnections[connection]);
    set_count(this.#parts.received, received);
    set_count(this.#parts.conflated, conflated);
    set_count(this.#parts.repeats, repeats);
    set_count(this.#parts.malformed, malformed);
    set_count(this.#parts.gaps, gaps);
    set_text(this.#parts.cursor, cursor ?? '–');
  }

  notice(words) {
    add_notice(this.#parts.notices, words);
  }
}
