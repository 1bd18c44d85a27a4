// Whether the page shows everything that was stored when it connected.
//
// Cursors are opaque and cannot be compared, but events of the scoreboard carry match and seq. So
// the page asks for the newest event once and has caught up when its state holds that event or a
// later one of the same match. Where the question cannot be answered, the hub's first heartbeat
// after it failed counts instead: a heartbeat comes when nothing was left to send.
// There is one of these for each connection.

export class CatchUp {
  #state = 'behind';
  #newest = null;

  // `newest` is the data of the newest event, or null when the topic is empty.
  aim_at(newest) {
    this.#newest = newest;
    this.#state = newest === null ? 'reached' : 'aimed';
  }

  aim_is_unknown() {
    this.#state = 'unknown';
  }

  // The hub sent a cursor without an event.
  heartbeat() {
    if (this.#state === 'unknown') this.#state = 'reached';
  }

  reached(score_state) {
    if (this.#state === 'aimed' && score_state.has(this.#newest.match, this.#newest.seq)) {
      this.#state = 'reached';
    }
    return this.#state === 'reached';
  }
}
