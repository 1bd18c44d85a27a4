// One text as events of the hub: each change an update of Yjs on the topic `together.NAME`, and now
// and then the whole state, a snapshot, on `together.NAME.snapshots`.
//
// Updates may come in any order, twice, and after a long absence; Yjs makes the same text of them
// everywhere. So a change is made here at once, stored when the hub is there, and what the log
// gives is applied as it comes, the own updates included. Who comes late takes the newest snapshot,
// and reads on behind what it covers.

import { from_base64, to_base64 } from './base64.js';
import { applyUpdate, Doc, encodeStateAsUpdate, mergeUpdates } from './yjs.bundle.js';

export const kUpdateType = 'together.update';
export const kSnapshotType = 'together.snapshot';
// A newcomer is given at most about so many updates behind the snapshot.
export const kSnapshotEvery = 200;
const kBinary = 'application/octet-stream';
const kFromHub = 'hub';
// What is typed within this time is one event.
const kGatherMs = 50;
const kFetchAgainMs = 1_000;

export class SharedText {
  doc = new Doc();
  text = this.doc.getText('text');
  figures = { updates: 0, malformed: 0, snapshots: 0, behind_snapshot: 0, gaps: 0, cursor: null };
  #topic;
  #session;
  #newest_event;
  #listener;
  #timers;
  #new_id;
  #gathered = [];
  #gather_timer = null;
  #unstored = 0;
  #held = null;
  #newest_snapshot = null; // its cursor

  // `session` is a HubSession; `newest_event(topic)` resolves with the topic's newest event, null
  // when it has none. `listener` has begun(), changed(), gap(gap) and refused(problem).
  constructor(name, { session, newest_event, listener, timers, new_id }) {
    this.#topic = `together.${name}`;
    this.#session = session;
    this.#newest_event = newest_event;
    this.#listener = listener;
    this.#timers = timers;
    this.#new_id = new_id;
    this.doc.on('update', (update, origin) => this.#changed(update, origin));
  }

  get topic() {
    return this.#topic;
  }

  // Changes made here that the hub has not stored yet.
  get unstored() {
    return this.#unstored + this.#gathered.length;
  }

  async start() {
    const covered = await this.#take_newest_snapshot();
    this.#read_behind(covered ?? 'first');
  }

  #read_behind(after) {
    this.#session.subscribe('text', { topics: [this.#topic, snapshots_of(this.#topic)], after }, {
      begun: () => this.#listener.begun(),
      event: (event) => this.#hear(() => this.#take(event)),
      gap: (gap) => this.#hear(() => this.#gap(gap)),
      // What a snapshot says that it covers need not be a cursor.
      refused: (problem) => {
        if (after === 'first') this.#listener.refused(problem);
        else this.#read_behind('first');
      },
    });
  }

  // Between hold and release nothing that others did changes the text.
  hold() {
    this.#held ??= [];
  }

  release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const heard of held) heard();
  }

  #hear(heard) {
    if (this.#held !== null) this.#held.push(heard);
    else heard();
  }

  #take(event) {
    this.figures.cursor = event.cursor;
    if (event.cursor === this.#newest_snapshot) return;
    const is_snapshot = event.type === kSnapshotType;
    if (!is_snapshot && event.type !== kUpdateType) this.figures.malformed += 1;
    else if (!this.#apply(event)) this.figures.malformed += 1;
    else if (is_snapshot) this.#snapshot_taken(event);
    else this.#update_taken(event);
    this.#listener.changed();
  }

  // Anybody may publish on the topic; what is no update changes nothing.
  #apply(event) {
    try {
      applyUpdate(this.doc, from_base64(event.data_base64), kFromHub);
      return true;
    } catch {
      return false;
    }
  }

  #snapshot_taken(event) {
    this.#newest_snapshot = event.cursor;
    this.figures.snapshots += 1;
    this.figures.behind_snapshot = 0;
  }

  // All count alike, in the log's order: the one whose update fills the count makes the snapshot.
  #update_taken(event) {
    this.figures.updates += 1;
    this.figures.behind_snapshot += 1;
    const is_own = event.source === this.#source();
    if (is_own && this.figures.behind_snapshot % kSnapshotEvery === 0) {
      this.#publish(snapshots_of(this.#topic), kSnapshotType, encodeStateAsUpdate(this.doc),
        { covers: event.cursor });
    }
  }

  #changed(update, origin) {
    if (origin === kFromHub) return;
    this.#gathered.push(update);
    this.#gather_timer ??= this.#timers.setTimeout(() => this.#store_gathered(), kGatherMs);
    this.#listener.changed();
  }

  #store_gathered() {
    this.#timers.clearTimeout(this.#gather_timer);
    this.#gather_timer = null;
    if (this.#gathered.length === 0) return;
    const update = mergeUpdates(this.#gathered);
    this.#gathered = [];
    this.#publish(this.#topic, kUpdateType, update);
  }

  async #publish(topic, type, update, extensions = {}) {
    this.#unstored += 1;
    const { problem } = await this.#session.publish({
      topic, type, id: this.#new_id(), source: this.#source(), datacontenttype: kBinary,
      data_base64: to_base64(update), ...extensions,
    });
    this.#unstored -= 1;
    if (problem) this.#listener.refused(problem);
    this.#listener.changed();
  }

  #source() {
    return `/demo/together/${this.doc.clientID}`;
  }

  // The cursor that it covers; null when there is none.
  async #take_newest_snapshot() {
    for (;;) {
      try {
        const event = await this.#newest_event(snapshots_of(this.#topic));
        if (event?.type !== kSnapshotType || !this.#apply(event)) return null;
        this.#snapshot_taken(event);
        this.#listener.changed();
        return event.covers ?? null;
      } catch {
        await new Promise((done) => this.#timers.setTimeout(done, kFetchAgainMs));
      }
    }
  }

  // Updates are gone from the log, or the log is another. A snapshot may have what is missing here,
  // and what is missing there is here.
  async #gap(gap) {
    this.figures.gaps += 1;
    this.#listener.gap(gap);
    await this.#take_newest_snapshot();
    this.#gathered.push(encodeStateAsUpdate(this.doc));
    this.#store_gathered();
  }
}

function snapshots_of(topic) {
  return `${topic}.snapshots`;
}
