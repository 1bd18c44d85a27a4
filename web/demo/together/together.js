// The page of a document that is edited together: joins session, text, people and views.

import { by_id, element, set_attribute, set_children, set_text } from '../dom.js';
import { browser_timers, newest_event } from '../hub.js';
import { add_notice, Frame, set_count, show_connection } from '../panels.js';
import { remember_self, remembered_self, sound_name } from '../self.js';
import { HubSession, session_url } from '../session.js';
import { Carets } from './carets.js';
import { free_colour, People, selection_in, tied_selection } from './people.js';
import { SharedText } from './shared_text.js';
import { TextArea } from './text_area.js';

const kDocument = /^[a-z0-9-]{1,40}$/;
const kDocumentDefault = 'notes';
// A caret is told at most so often: it moves with every letter.
const kPresenceMs = 100;
const kConnections = {
  connecting: ['Connecting', 'to the hub'],
  live: ['Live', 'changes arrive as they are made'],
  reconnecting: ['Reconnecting', 'go on writing: nothing is lost'],
};
const kGapWords = {
  expired: 'Older changes were no longer kept. The newest snapshot has them.',
  deleted: 'Somebody removed changes from the hub. What is here was stored again.',
  epoch: 'The hub has another log now. What is here was stored again.',
};

class Page {
  #name = document_name();
  #timers = browser_timers();
  #session = new HubSession(session_url(window.location), {
    state: (state) => this.#set_connection(state),
    pending: () => this.#frame.ask(),
  }, { WebSocket, timers: this.#timers });
  #shared = new SharedText(this.#name, {
    session: this.#session, newest_event, timers: this.#timers, new_id: () => crypto.randomUUID(),
    listener: {
      begun: () => this.#begun(),
      changed: () => this.#frame.ask(),
      gap: (gap) => this.#notice(kGapWords[gap.reason] ?? 'Some changes are gone from the hub.'),
      refused: (problem) => this.#notice(`The hub refused: ${problem.detail ?? problem.title}`),
    },
  });
  #people = new People();
  #self = remembered_self();
  #member = null;
  #presence_timer = null;
  #frame = new Frame(() => this.#draw());
  #connection = 'connecting';
  #area = by_id('text');
  #carets = new Carets(by_id('paper'));
  #binding;

  start() {
    this.#binding = new TextArea(this.#area, this.#shared.text, {
      selection_changed: () => this.#tell_presence_soon(),
      composing: (composing) => (composing ? this.#shared.hold() : this.#shared.release()),
    });
    this.#area.addEventListener('blur', () => this.#tell_presence_soon());
    const name = by_id('name');
    name.value = this.#self.name;
    name.addEventListener('input', () => this.#rename(name.value));
    for (const node of document.querySelectorAll('.topic')) set_text(node, this.#shared.topic);
    set_text(by_id('document'), this.#name);
    this.#session.subscribe('people', {
      topics: [`$sys.presence.${this.#shared.topic}`], after: 'first', conflate: 'key',
    }, {
      begun: () => { this.#people.clear(); this.#frame.ask(); },
      event: (event) => { this.#people.apply(event); this.#frame.ask(); },
    }, { anew: true });
    this.#session.open();
    this.#shared.start();
    this.#tell_presence();
    this.#frame.ask();
  }

  #begun() {
    this.#area.readOnly = false;
    set_attribute(this.#area, 'placeholder', 'Nothing here yet. Write something.');
    this.#frame.ask();
  }

  #set_connection(state) {
    this.#connection = state;
    if (state !== 'live') {
      this.#people.clear();
      this.#member = null;
    }
    this.#frame.ask();
  }

  #rename(name) {
    this.#self.name = sound_name(name);
    remember_self(this.#self);
    this.#tell_presence_soon();
  }

  #tell_presence_soon() {
    this.#presence_timer ??= this.#timers.setTimeout(() => this.#tell_presence(), kPresenceMs);
  }

  #tell_presence() {
    this.#presence_timer = null;
    const selection = tied_selection(this.#shared.text, this.#binding.selection());
    this.#session.be_present(this.#shared.topic, { ...this.#self, ...selection }, (member) => {
      this.#member = member;
      this.#frame.ask();
    });
  }

  #notice(words) {
    add_notice(by_id('notices'), words);
  }

  #draw() {
    const others = this.#people.others(this.#member).map((person) => (
      { ...person, selection: selection_in(this.#shared.text, person) }));
    this.#take_free_colour(others);
    this.#carets.render(this.#area.value, others);
    show_connection(by_id('connection'), this.#connection, kConnections[this.#connection]);
    this.#draw_people(others);
    this.#draw_figures();
  }

  #take_free_colour(others) {
    if (this.#member === null) return;
    const colour = free_colour({ ...this.#self, member: this.#member }, others);
    if (colour === this.#self.colour) return;
    this.#self.colour = colour;
    remember_self(this.#self);
    this.#tell_presence_soon();
  }

  #draw_people(others) {
    set_attribute(by_id('self-colour'), 'data-colour', String(this.#self.colour));
    set_text(by_id('people-count'), others.length === 0 ? 'Nobody else is here.' :
      `${others.length} ${others.length === 1 ? 'other is' : 'others are'} here.`);
    const lines = others.map(({ name, colour }) => element('li', { class: 'person' },
      element('span', { class: 'dot', 'data-colour': colour, 'aria-hidden': 'true' }), name));
    set_children(by_id('people'), lines);
  }

  #draw_figures() {
    const { figures, unstored } = this.#shared;
    for (const name of ['updates', 'snapshots', 'behind_snapshot', 'malformed', 'gaps']) {
      set_count(by_id(name.replace('_', '-')), figures[name]);
    }
    set_text(by_id('cursor'), figures.cursor ?? '–');
    const stored = by_id('stored');
    set_attribute(stored, 'data-unstored', String(unstored));
    set_text(stored, unstored === 0 ? 'Everything is stored'
      : this.#connection === 'live' ? 'Storing…' : 'Not stored yet');
  }
}

function document_name() {
  const asked = new URLSearchParams(window.location.search).get('doc');
  return asked !== null && kDocument.test(asked) ? asked : kDocumentDefault;
}

for (const origin of document.querySelectorAll('.origin')) set_text(origin, window.location.origin);
const page = new Page();
page.start();
