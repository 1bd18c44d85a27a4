// The page of the arena: actions and states by a WebSocket session, news and chat by SSE.

import { by_id, element, set_attribute, set_children, set_text } from '../dom.js';
import { browser_timers } from '../hub.js';
import { add_notice, Frame, set_count, show_connection } from '../panels.js';
import { remember_self, remembered_self, sound_name } from '../self.js';
import { HubSession, session_url } from '../session.js';
import { SseStream } from '../sse_stream.js';
import { FieldView } from './field_view.js';
import { announcement, saying } from './news.js';
import { Steering } from './steering.js';
import { World } from './world.js';

const kField = 'arena.field';
const kNewsUrl = '/stream?topic=arena.announcements&topic=arena.chat&as=cloudevents';
const kNewsBehind = '-20';
const kLinesMax = 100;
const kStandingsShown = 10;
const kConnections = {
  connecting: ['Connecting', 'to the hub'],
  live: ['Live', 'states arrive as they change'],
  reconnecting: ['Reconnecting', 'the game goes on when the hub is back'],
};

class Page {
  #session = new HubSession(session_url(window.location), {
    state: (state) => this.#set_connection(state), pending() {},
  }, { WebSocket, timers: browser_timers() });
  #news = new SseStream(kNewsUrl, {
    opened() {}, moved() {}, interrupted() {},
    event: (text) => this.#hear(text),
    gap: (gap) => add_notice(by_id('notices'), `Some news is gone from the hub (${gap.reason}).`),
  }, { EventSource, timers: browser_timers() });
  #world = new World();
  #field = new FieldView(by_id('field'));
  #steering = new Steering({
    steer: (heading) => this.#act({ steer: heading }), dash: () => this.#act({ dash: true }),
  });
  #frame = new Frame(() => this.#draw());
  #self = remembered_self();
  #playing = false;
  #member = null;
  #connection = 'connecting';
  #round = null;
  #drawn_at = performance.now();
  #state_at = 0;
  #figures = { states: 0, actions: 0, news: 0, malformed: 0 };

  start() {
    this.#session.subscribe('states', {
      topics: ['arena.state'], after: 'first', conflate: 'key', rate: 20,
    }, {
      begun: () => { this.#world.clear(); this.#frame.ask(); },
      event: (event) => this.#take_state(event),
      // So far behind that states are gone: begin anew with what is.
      gap: () => this.#world.clear(),
    }, { anew: true });
    this.#session.open();
    this.#news.open(kNewsBehind);
    this.#listen();
    by_id('name').value = this.#self.name;
    this.#frame.ask();
  }

  #listen() {
    const field = by_id('field');
    field.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey) return;
      if (event.repeat ? this.#steering.knows(event.key) : this.#steering.press(event.key)) {
        event.preventDefault();
      }
    });
    field.addEventListener('keyup', ({ key }) => this.#steering.release(key));
    field.addEventListener('blur', () => this.#steering.release_all());
    for (const pad of document.querySelectorAll('.pad [data-key]')) this.#listen_to_pad(pad);
    by_id('play').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#set_playing(!this.#playing);
    });
    by_id('say').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say(by_id('saying'));
    });
  }

  // A finger that stays on the button is a key that stays down; a click by keyboard is a short one.
  #listen_to_pad(pad) {
    const key = pad.dataset.key;
    pad.addEventListener('pointerdown', () => this.#steering.press(key));
    for (const end of ['pointerup', 'pointerleave', 'pointercancel', 'blur']) {
      pad.addEventListener(end, () => this.#steering.release(key));
    }
    pad.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') this.#steering.press(key);
    });
    pad.addEventListener('keyup', () => this.#steering.release(key));
  }

  #set_playing(playing) {
    this.#playing = playing;
    this.#self.name = sound_name(by_id('name').value);
    remember_self(this.#self);
    this.#steering.release_all();
    this.#session.be_present(kField, playing ? this.#self : null, (member) => {
      this.#member = this.#playing ? member : null;
      this.#steering.tell_anew();
      this.#frame.ask();
    });
    if (!playing) this.#member = null;
    else by_id('field').focus();
    this.#frame.ask();
  }

  #act(data) {
    if (this.#member === null) return;
    const members = { key: this.#member, type: 'arena.action', data };
    if (this.#session.tell('arena.actions', members)) this.#figures.actions += 1;
    this.#frame.ask();
  }

  #take_state(event) {
    this.#figures.states += 1;
    this.#state_at = performance.now();
    if (!this.#world.apply(event.data)) this.#figures.malformed += 1;
    this.#frame.ask();
  }

  #hear(text) {
    this.#figures.news += 1;
    const { topic, data } = parsed_or_empty(text);
    const heard = topic === 'arena.chat' ? saying(data) : announcement(data);
    if (heard === null) this.#figures.malformed += 1;
    else if (topic === 'arena.chat') add_line(by_id('chat'), heard.words, heard.name);
    else this.#announce(heard);
    this.#frame.ask();
  }

  #announce({ round, words }) {
    this.#round = round;
    add_line(by_id('announcements'), words);
  }

  async #say(input) {
    const text = input.value.trim();
    if (text === '') return;
    const problem = await publish('arena.chat', { name: sound_name(by_id('name').value), text });
    if (problem === null) input.value = '';
    else add_notice(by_id('notices'), problem);
  }

  #set_connection(state) {
    this.#connection = state;
    if (state !== 'live') this.#member = null;
    this.#frame.ask();
  }

  #draw() {
    const now = performance.now();
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#field.render(this.#world, this.#member, still ? Infinity : now - this.#drawn_at);
    this.#drawn_at = now;
    show_connection(by_id('connection'), this.#connection, kConnections[this.#connection]);
    set_text(by_id('round'), this.#round === null ? '–' : String(this.#round));
    set_text(by_id('play-button'), this.#playing ? 'Leave' : 'Play');
    this.#draw_standings();
    for (const [name, count] of Object.entries(this.#figures)) set_count(by_id(name), count);
    // On the way from one state to the next there is something to draw in each frame.
    if (!still && now - this.#state_at < 1_000) this.#frame.ask();
  }

  #draw_standings() {
    const standings = this.#world.standings();
    set_count(by_id('players'), standings.length);
    const own = this.#world.player(this.#member);
    set_text(by_id('own'), own === null ? 'You are watching.' :
      `You have rung ${own.rings} and are at ${Math.round(own.x)}, ${Math.round(own.y)}.`);
    set_children(by_id('standings'), standings.slice(0, kStandingsShown).map((player) => (
      element('tr', { 'data-member': player.player, 'data-own': player.player === this.#member },
        element('td', {}, element('span', { 'class': 'dot', 'data-colour': player.colour })),
        element('th', { scope: 'row' }, player.name),
        element('td', { class: 'rings' }, String(player.rings))))));
  }
}

// What went wrong, in words; null when it is stored.
async function publish(topic, data) {
  try {
    const answer = await fetch(`/t/${topic}`, {
      method: 'POST', body: JSON.stringify(data),
      headers: { 'content-type': 'application/json', 'ce-type': topic },
    });
    if (answer.ok) return null;
    const problem = await answer.json();
    return `The hub refused: ${problem.detail ?? problem.title}`;
  } catch {
    return 'The hub cannot be reached just now. Say it again when it is back.';
  }
}

// The newest at the bottom, and in sight when the reader was there.
function add_line(list, words, name = null) {
  const region = list.parentElement;
  const was_at_end = region.scrollHeight - region.scrollTop - region.clientHeight < 40;
  const by = name === null ? [] : [element('strong', {}, name), ' '];
  list.append(element('li', { class: 'news-line' }, ...by, words));
  while (list.children.length > kLinesMax) list.firstElementChild.remove();
  if (was_at_end) region.scrollTop = region.scrollHeight;
}

function parsed_or_empty(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

for (const origin of document.querySelectorAll('.origin')) set_text(origin, window.location.origin);
set_attribute(by_id('field'), 'data-ready', 'true');
const page = new Page();
page.start();
