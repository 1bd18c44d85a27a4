// A WebSocket session with the hub (docs/reference/websocket.md) that outlives its connections.
//
// Subscriptions go on behind the last event they were given. A publish is kept until the hub has
// answered it, and sent again on the next connection with the same event id, so that it is stored
// once however often the connection breaks.

const kSubprotocol = 'carillon.v1.json';
// Fewer heartbeats would take one late heartbeat for a dead connection.
const kSilentHeartbeatsMax = 3;
const kOpenMsMax = 10_000;
export const kRetryMsMin = 500;
export const kRetryMsMax = 15_000;
// Refusals that pass: too much at once, no room just now.
const kPassing = [429, 503, 507];
// What the hub would end the session for, so that it is not sent.
const kTooLarge = { status: 413, title: 'The event is larger than a session takes' };

export class HubSession {
  #url;
  #listener;
  #WebSocket;
  #timers;
  #random;
  #socket = null;
  #hello = null;
  #failures = 0;
  #retry_ms = null;
  #retry_timer = null;
  #silence_timer = null;
  #refusal_timer = null;
  #subscriptions = new Map(); // by id
  #presences = new Map(); // by topic
  #publishes = new Map(); // by event id, in order: what has no answer yet
  #unanswered = 0; // of #publishes, those sent on this connection

  // `listener` has state('connecting' | 'live' | 'reconnecting') and pending(count of publishes
  // without an answer). `WebSocket`, `timers` (setTimeout, clearTimeout) and `random` are handed in
  // so that tests own network, time and chance.
  constructor(url, listener, { WebSocket, timers, random = Math.random }) {
    this.#url = url;
    this.#listener = listener;
    this.#WebSocket = WebSocket;
    this.#timers = timers;
    this.#random = random;
  }

  open() {
    if (this.#failures === 0) this.#listener.state('connecting');
    const socket = new this.#WebSocket(this.#url, kSubprotocol);
    this.#socket = socket;
    this.#watch_for_silence(kOpenMsMax);
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#take(JSON.parse(data));
    });
    socket.addEventListener('error', () => {}); // a close follows
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  close() {
    for (const timer of [this.#retry_timer, this.#silence_timer, this.#refusal_timer]) {
      this.#timers.clearTimeout(timer);
    }
    this.#socket?.close();
    this.#socket = null;
    this.#hello = null;
  }

  // `options` are those of the op: topics, after, conflate, rate, type. `listener` has
  // event(event), gap(gap), refused(problem), and begun() each time that the hub has taken the
  // subscription. A new connection goes on behind the last event; with `anew` it begins as the
  // first did, which is what a reader of conflated states wants.
  subscribe(id, options, listener, { anew = false } = {}) {
    const subscription = { id: `s-${id}`, options, listener, anew, cursor: null, sub: null };
    this.#subscriptions.set(subscription.id, subscription);
    if (this.#hello !== null) this.#send_subscribe(subscription);
  }

  // `event` has a topic and an id of its own. Resolves with { cursor }, or with { problem } when
  // the hub refuses it for good.
  publish(event) {
    return new Promise((settle) => {
      this.#publishes.set(event.id, { event, settle, state: 'waiting' });
      this.#listener.pending(this.#publishes.size);
      this.#send_publishes();
    });
  }

  // Sent when the session is open, and forgotten: what is stale by the time of a second try. False
  // when it is not.
  tell(topic, members) {
    if (this.#hello === null) return false;
    this.#say({ op: 'publish', id: 'tell', topic, ...members });
    return true;
  }

  // Present on `topic` with this state until it is told otherwise, on each connection; null leaves.
  // `on_member(member)` hears under which name.
  be_present(topic, state, on_member = () => {}) {
    this.#presences.set(topic, { state, on_member });
    if (this.#hello !== null) this.#send_presence(topic);
    if (state === null) this.#presences.delete(topic);
  }

  #take(op) {
    this.#watch_for_silence(kSilentHeartbeatsMax * (this.#hello ?? op).heartbeat_ms);
    const take = {
      hello: () => this.#opened(op),
      ok: () => this.#answered(op, { cursor: op.cursor }),
      error: () => this.#answered(op, { problem: op.problem }),
      event: () => this.#event(op),
      cursor: () => this.#moved(op),
      gap: () => this.#gap(op),
      bye: () => { this.#retry_ms = op.retry_ms; },
    }[op.op];
    take?.();
  }

  #opened(hello) {
    this.#hello = hello;
    this.#failures = 0;
    this.#listener.state('live');
    for (const subscription of this.#subscriptions.values()) this.#send_subscribe(subscription);
    for (const topic of this.#presences.keys()) this.#send_presence(topic);
    this.#send_publishes();
  }

  #send_subscribe(subscription) {
    const { id, options, anew, cursor } = subscription;
    const after = anew ? options.after : cursor ?? options.after;
    this.#say({ op: 'subscribe', id, ...options, after });
  }

  #send_presence(topic) {
    const { state } = this.#presences.get(topic);
    this.#say({ op: 'presence', id: `m-${topic}`, topic, state });
  }

  // No more than the hub's credit, so that other ops are never held back by it.
  #send_publishes() {
    if (this.#hello === null) return;
    for (const publish of this.#publishes.values()) {
      if (this.#unanswered >= this.#hello.publish_credit / 2) return;
      if (publish.state !== 'waiting') continue;
      const { topic, ...event } = publish.event;
      const text = JSON.stringify(
        { op: 'publish', id: `p-${event.id}`, topic, event: whole_event(topic, event) });
      if (bytes_of(text) > this.#hello.message_bytes_max) {
        this.#settle(publish, { problem: kTooLarge });
        continue;
      }
      publish.state = 'sent';
      this.#unanswered += 1;
      this.#socket.send(text);
    }
  }

  #answered(op, { cursor, problem }) {
    const [kind, name] = [op.id?.slice(0, 2), op.id?.slice(2)];
    if (kind === 's-') this.#subscription_answered(op);
    if (kind === 'm-' && !problem) this.#presences.get(name)?.on_member(op.member);
    if (kind !== 'p-' || !this.#publishes.has(name)) return;
    this.#unanswered -= 1;
    const publish = this.#publishes.get(name);
    if (problem && kPassing.includes(problem.status)) {
      this.#send_again_later(publish);
    } else {
      this.#settle(publish, problem ? { problem } : { cursor });
    }
    this.#send_publishes();
  }

  #settle(publish, outcome) {
    this.#publishes.delete(publish.event.id);
    this.#listener.pending(this.#publishes.size);
    publish.settle(outcome);
  }

  #send_again_later(publish) {
    publish.state = 'refused';
    this.#timers.clearTimeout(this.#refusal_timer);
    this.#refusal_timer = this.#timers.setTimeout(() => {
      const refused = [...this.#publishes.values()].filter(({ state }) => state === 'refused');
      for (const again of refused) again.state = 'waiting';
      this.#send_publishes();
    }, kRetryMsMin * 2);
  }

  #subscription_answered(op) {
    const subscription = this.#subscriptions.get(op.id);
    if (!subscription) return;
    if (op.problem) {
      subscription.listener.refused?.(op.problem);
    } else {
      subscription.sub = op.sub;
      subscription.cursor ??= op.cursor;
      subscription.listener.begun?.();
    }
  }

  #event({ sub, event }) {
    const subscription = this.#subscription_of(sub);
    if (!subscription) return;
    subscription.cursor = event.cursor;
    subscription.listener.event(event);
  }

  #moved({ sub, cursor }) {
    const subscription = this.#subscription_of(sub);
    if (subscription) subscription.cursor = cursor;
  }

  #gap(gap) {
    const subscription = this.#subscription_of(gap.sub);
    if (!subscription) return;
    subscription.cursor = gap.resumed;
    subscription.listener.gap?.(gap);
  }

  #subscription_of(sub) {
    return [...this.#subscriptions.values()].find((subscription) => subscription.sub === sub);
  }

  #lost() {
    this.close();
    this.#unanswered = 0;
    for (const publish of this.#publishes.values()) publish.state = 'waiting';
    for (const subscription of this.#subscriptions.values()) subscription.sub = null;
    this.#listener.state('reconnecting');
    const doubled_ms = Math.min(kRetryMsMax, kRetryMsMin * 2 ** this.#failures);
    this.#failures += 1;
    // Spread, so that a restart is not met by all in one moment.
    const delay_ms = (this.#retry_ms ?? doubled_ms) * (0.5 + this.#random());
    this.#retry_ms = null;
    this.#retry_timer = this.#timers.setTimeout(() => this.open(), delay_ms);
  }

  #watch_for_silence(silence_ms_max) {
    this.#timers.clearTimeout(this.#silence_timer);
    this.#silence_timer = this.#timers.setTimeout(() => this.#lost(), silence_ms_max);
  }

  #say(op) {
    this.#socket.send(JSON.stringify(op));
  }
}

export function session_url(location) {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
}

function bytes_of(text) {
  return new TextEncoder().encode(text).length;
}

function whole_event(topic, event) {
  return { specversion: '1.0', source: `/t/${topic}`, type: 'carillon.event', ...event };
}
