#!/usr/bin/env node
// Players of the arena that play by themselves, each with a session of its own.
//
//   node examples/arena/players.mjs --url http://127.0.0.1:8080 --players 50 --seconds 30
//
// Each chases the nearest bell it knows of, by what it is sent: the last state of each player and
// bell. At the end all stand still, and each must know the same arena, to the last place and ring:
// conflation may leave states out, but never the last one. Ends with one line; exits 1 when two
// know different things, or somebody was not moved. Needs npm's ws (`npm ci`).

import { parseArgs } from 'node:util';

import { WebSocket } from 'ws';

import { World } from '../../web/demo/arena/world.js';
import { HubSession, session_url } from '../../web/demo/session.js';

const kField = 'arena.field';
const kActionMs = 200;
const kDashChance = 0.05;
const kAgreeMsMax = 10_000;

class Player {
  world = new World();
  actions = 0;
  states = 0;
  member = null;
  first_place = null;
  has_moved = false;
  #name;
  #session;
  #heading = '';

  constructor(name, url) {
    this.#name = name;
    this.#session = new HubSession(session_url(new URL(url)), { state() {}, pending() {} },
      { WebSocket, timers: { setTimeout, clearTimeout } });
  }

  join(colour) {
    this.#session.subscribe('states', {
      topics: ['arena.state'], after: 'first', conflate: 'key', rate: 20,
    }, {
      begun: () => this.world.clear(), gap: () => this.world.clear(),
      event: (event) => this.#take(event),
    }, { anew: true });
    this.#session.be_present(kField, { name: this.#name, colour }, (member) => {
      this.member = member;
    });
    this.#session.open();
  }

  leave() {
    this.#session.close();
  }

  // One look at the arena, and what follows from it.
  act() {
    const own = this.world.player(this.member);
    if (own === null) return;
    const [nearest] = this.world.bells().map(({ x, y }) => [x - own.x, y - own.y])
      .sort((one, other) => Math.hypot(...one) - Math.hypot(...other));
    if (nearest) this.#steer(nearest);
    if (Math.random() < kDashChance) this.#tell({ dash: true });
  }

  stand_still() {
    this.#steer([0, 0]);
  }

  #steer([x, y]) {
    const length = Math.hypot(x, y) || 1;
    const heading = [x, y].map((part) => Number((part / length).toFixed(2)));
    if (String(heading) === this.#heading) return;
    this.#heading = String(heading);
    this.#tell({ steer: heading });
  }

  #tell(data) {
    const members = { key: this.member, type: 'arena.action', data };
    if (this.#session.tell('arena.actions', members)) this.actions += 1;
  }

  #take({ data }) {
    this.states += 1;
    this.world.apply(data);
    const own = this.world.player(this.member);
    if (own === null) return;
    this.first_place ??= `${own.x} ${own.y}`;
    this.has_moved ||= this.first_place !== `${own.x} ${own.y}`;
  }
}

// Resolves with whether it came true in time.
async function comes_true(condition, ms_max) {
  const give_up = performance.now() + ms_max;
  while (!condition()) {
    if (performance.now() > give_up) return false;
    await new Promise((done) => { setTimeout(done, 50); });
  }
  return true;
}

function all_know_the_same(players) {
  const known = new Set(players.map(({ world }) => world.fingerprint()));
  return known.size === 1 && players.every(({ world, member }) => world.player(member) !== null);
}

async function play(players, seconds) {
  players.forEach((player, index) => player.join(index % 8));
  const are_in = () => players.every(({ world, member }) => world.player(member) !== null);
  if (!await comes_true(are_in, kAgreeMsMax)) {
    return { is_faultless: false, line: 'not all came in' };
  }
  console.log(`${players.length} players are in`);
  const acting = setInterval(() => { for (const player of players) player.act(); }, kActionMs);
  await new Promise((done) => { setTimeout(done, seconds * 1_000); });
  clearInterval(acting);
  for (const player of players) player.stand_still();
  const agree = await comes_true(() => all_know_the_same(players), kAgreeMsMax);
  const sum = (count) => players.reduce((total, player) => total + count(player), 0);
  const unmoved = players.filter(({ has_moved }) => !has_moved).length;
  return {
    is_faultless: agree && unmoved === 0,
    line: [
      `${players.length} players, ${seconds} s: ${sum(({ actions }) => actions)} actions`,
      `${sum(({ states }) => states)} states given`, `${unmoved} never moved`,
      agree ? 'all know the same arena' : 'NOT all know the same arena',
    ].join(', '),
  };
}

function count_option(name, text) {
  if (!/^[1-9][0-9]*$/.test(text)) {
    throw new Error(`--${name} wants a positive number, not ${text}`);
  }
  return Number(text);
}

async function main() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:8080' },
      players: { type: 'string', default: '50' },
      seconds: { type: 'string', default: '30' },
    },
  });
  const count = count_option('players', values.players);
  const seconds = count_option('seconds', values.seconds);
  const players = Array.from({ length: count }, (_, index) => (
    new Player(`Player ${index + 1}`, values.url)));
  const { line, is_faultless } = await play(players, seconds);
  console.log(line);
  for (const player of players) player.leave();
  process.exitCode = is_faultless ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
