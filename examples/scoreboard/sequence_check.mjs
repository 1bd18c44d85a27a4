// Whether one viewer was given every event of every match once and in order.

export class SequenceCheck {
  events = 0;
  lost = 0;
  repeated = 0;
  malformed = 0;
  #last_seq_of_match = new Map();
  #ended = new Set();

  // Takes the text of one event's data.
  take(text) {
    const data = parsed_or_null(text);
    if (typeof data?.match !== 'string' || !Number.isSafeInteger(data.seq)) {
      this.malformed += 1;
      return;
    }
    const last = this.#last_seq_of_match.get(data.match) ?? 0;
    if (data.seq <= last) {
      this.repeated += 1;
      return;
    }
    this.lost += data.seq - last - 1;
    this.events += 1;
    this.#last_seq_of_match.set(data.match, data.seq);
    if (data.last === true) this.#ended.add(data.match);
  }

  // Matches that have begun and whose last event has not come.
  unfinished() {
    return this.#last_seq_of_match.size - this.#ended.size;
  }

  has_seen(event_count) {
    return this.events + this.lost >= event_count;
  }

  is_faultless() {
    return this.lost + this.repeated + this.malformed === 0;
  }
}

function parsed_or_null(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
