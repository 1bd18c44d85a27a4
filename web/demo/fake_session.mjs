// Network and time for tests: sockets that a test answers, timers that run when it says so.

import { HubSession, kRetryMsMin } from './session.js';

export class FakeTimers {
  now_ms = 0;
  #timers = new Map();
  #next = 1;

  setTimeout = (call, delay_ms) => {
    this.#timers.set(this.#next, { call, at_ms: this.now_ms + delay_ms });
    return this.#next++;
  };

  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  // Runs what is due within `ms`, in order.
  pass(ms) {
    const until_ms = this.now_ms + ms;
    for (;;) {
      const [first] = [...this.#timers].filter(([, { at_ms }]) => at_ms <= until_ms)
        .sort(([, one], [, other]) => one.at_ms - other.at_ms);
      if (!first) break;
      this.#timers.delete(first[0]);
      this.now_ms = first[1].at_ms;
      first[1].call();
    }
    this.now_ms = until_ms;
  }
}

// The hub's end of the connections that a session makes, the last one first.
export class FakeWire {
  sockets = [];
  timers = new FakeTimers();
  states = [];
  pending = 0;

  session() {
    const wire = this;
    class FakeWebSocket extends EventTarget {
      said = [];
      closed = false;

      constructor(url, subprotocol) {
        super();
        this.asked = { url, subprotocol };
        wire.sockets.unshift(this);
      }

      send(text) {
        this.said.push(JSON.parse(text));
      }

      close() {
        this.closed = true;
      }
    }
    return new HubSession('ws://hub/ws', {
      state: (state) => this.states.push(state),
      pending: (count) => { this.pending = count; },
    }, { WebSocket: FakeWebSocket, timers: this.timers, random: () => 0.5 });
  }

  // What the session said on its newest connection, `op`s of one kind.
  said(op) {
    return this.sockets[0].said.filter((one) => one.op === op);
  }

  say(op) {
    const data = JSON.stringify(op);
    this.sockets[0].dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  hello(members = {}) {
    this.say({ op: 'hello', version: 1, session: 'n', publish_credit: 256,
      message_bytes_max: 1_000_000, heartbeat_ms: 15_000,
      ...members });
  }

  cut() {
    this.sockets[0].dispatchEvent(new Event('close'));
  }

  // Cut, and open again as soon as the session tries.
  cut_and_back() {
    this.cut();
    this.timers.pass(kRetryMsMin);
    this.hello();
  }
}

// So that what was promised has come.
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
