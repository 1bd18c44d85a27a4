// A topic read through EventSource, from wherever this page has come to.
//
// EventSource reconnects by itself and hands its last id back, so resuming costs no code. What is
// added here is what it leaves open: it gives up for ever when an answer is not 200, it cannot tell
// a dead connection from a quiet one, and Carillon's own blocks (cursor, gap, bye) have names.
// The cursor is kept as it came and never taken apart.

// Three heartbeats of 15 s: fewer would take one late heartbeat for a dead connection.
export const kSilenceMsMax = 45_000;
export const kReopenMsMin = 1_000;
export const kReopenMsMax = 30_000;

export class SseStream {
  #url;
  #listener;
  #EventSource;
  #timers;
  #source = null;
  #cursor = null;
  #refusals = 0;
  #silence_timer = null;
  #reopen_timer = null;

  // `listener` has opened(), event(text, cursor), moved(cursor), gap(gap, cursor) and
  // interrupted({ reason: 'bye' | 'lost' | 'refused' | 'silent' }). `timers` has setTimeout and
  // clearTimeout; like EventSource it is handed in so that tests own time and network.
  constructor(url, listener, { EventSource, timers }) {
    this.#url = url;
    this.#listener = listener;
    this.#EventSource = EventSource;
    this.#timers = timers;
  }

  // Begins at `after`; an earlier connection is dropped.
  open(after) {
    this.close();
    this.#source = new this.#EventSource(with_after(this.#url, after));
    this.#source.addEventListener('open', () => this.#opened());
    this.#source.addEventListener('error', () => this.#failed());
    this.#source.addEventListener('message', (block) => this.#event(block));
    this.#source.addEventListener('carillon.cursor', (block) => this.#moved(block));
    this.#source.addEventListener('carillon.gap', (block) => this.#gap(block));
    this.#source.addEventListener('carillon.bye', () => this.#bye());
    this.#watch_for_silence();
  }

  close() {
    this.#timers.clearTimeout(this.#silence_timer);
    this.#timers.clearTimeout(this.#reopen_timer);
    this.#source?.close();
    this.#source = null;
  }

  #opened() {
    this.#refusals = 0;
    this.#watch_for_silence();
    this.#listener.opened();
  }

  #event(block) {
    this.#move_to(block);
    this.#listener.event(block.data, this.#cursor);
  }

  #moved(block) {
    this.#move_to(block);
    this.#listener.moved(this.#cursor);
  }

  #gap(block) {
    this.#move_to(block);
    this.#listener.gap(parsed_or_empty(block.data), this.#cursor);
  }

  #bye() {
    this.#watch_for_silence();
    this.#listener.interrupted({ reason: 'bye' });
  }

  #failed() {
    if (this.#source.readyState !== this.#EventSource.CLOSED) {
      this.#listener.interrupted({ reason: 'lost' });
      return;
    }
    const reopen_ms = Math.min(kReopenMsMax, kReopenMsMin * 2 ** this.#refusals);
    this.#refusals += 1;
    this.#listener.interrupted({ reason: 'refused' });
    this.#timers.clearTimeout(this.#silence_timer);
    this.#reopen_timer = this.#timers.setTimeout(() => this.#reopen(), reopen_ms);
  }

  #reopen() {
    this.open(this.#cursor ?? 'first');
  }

  #move_to(block) {
    this.#watch_for_silence();
    if (block.lastEventId) this.#cursor = block.lastEventId;
  }

  #watch_for_silence() {
    this.#timers.clearTimeout(this.#silence_timer);
    this.#silence_timer = this.#timers.setTimeout(() => {
      this.#listener.interrupted({ reason: 'silent' });
      this.#reopen();
    }, kSilenceMsMax);
  }
}

function with_after(url, after) {
  return `${url}${url.includes('?') ? '&' : '?'}after=${encodeURIComponent(after)}`;
}

function parsed_or_empty(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
