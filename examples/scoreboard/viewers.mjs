#!/usr/bin/env node
// Many viewers of the scoreboard, each counting for itself.
//
//   node examples/scoreboard/viewers.mjs --url http://127.0.0.1:8080 --viewers 2000
//
//   --url URL       the hub (http://127.0.0.1:8080)
//   --viewers N     how many, each with a connection of its own (2000)
//   --expect N      events that each must be given (as many as season.json has)
//   --cut           each viewer cuts its connection once, somewhere in the season, and resumes
//   --seconds N     give up after this long (3600)
//
// Each reads /t/scoreboard.matches from the first event, nothing left out, and checks that the
// events of each match carry seq 1, 2, 3 … to the last. A connection that ends is resumed by
// Last-Event-ID. Ends with one line; exits 1 when a viewer was given less, more, or another order,
// or was told of a gap. Needs Node 18 and nothing else.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';

import { EventStreamParser } from './event_stream.mjs';
import { SequenceCheck } from './sequence_check.mjs';

const kSeasonJson = new URL('../../web/demo/scoreboard/season.json', import.meta.url);
const kConnectingAtOnceMax = 200;  // Below the listen backlog that most systems allow.
const kRetryMsDefault = 1_000;

class Viewer {
  check = new SequenceCheck();
  connections = 0;
  gaps = 0;
  #index;
  #options;
  #cursor = null;
  #retry_ms = kRetryMsDefault;
  #request = null;
  #timer = null;
  #cut_after_events;
  #on_connected = null;
  #on_done;

  constructor(index, options) {
    this.#index = index;
    this.#options = options;
    const spread = 1 + (index * 37) % Math.max(1, options.expect - 1);
    this.#cut_after_events = options.cut ? spread : Infinity;
    this.done = new Promise((resolve) => { this.#on_done = resolve; });
  }

  // Resolves when the first answer has come.
  start() {
    return new Promise((resolve) => {
      this.#on_connected = resolve;
      this.#connect();
    });
  }

  stop(outcome = 'stopped') {
    clearTimeout(this.#timer);
    this.#request?.destroy();
    this.#request = null;
    this.#on_connected?.();
    this.#on_done(outcome);
  }

  #connect() {
    const headers = { accept: 'text/event-stream' };
    if (this.#cursor !== null) headers['last-event-id'] = this.#cursor;
    const url = new URL('/t/scoreboard.matches?after=first', this.#options.url);
    const request = http.get(url, { agent: false, headers });
    this.#request = request;
    request.on('response', (response) => this.#read(request, response));
    request.on('error', () => this.#ended(request));
    request.on('close', () => this.#ended(request));
  }

  #read(request, response) {
    if (response.statusCode !== 200) {
      const is_passing = [429, 503].includes(response.statusCode);
      if (!is_passing) this.stop(`refused with ${response.statusCode}`);
      else request.destroy();
      return;
    }
    this.connections += 1;
    this.#on_connected?.();
    const parser = new EventStreamParser((block) => {
      if (this.#request === request) this.#take(block);
    });
    response.setEncoding('utf8');
    response.on('data', (text) => {
      parser.push(text);
      this.#retry_ms = parser.retry_ms ?? this.#retry_ms;
    });
  }

  #take(block) {
    if (block.id !== '') this.#cursor = block.id;
    if (block.event === 'carillon.gap') this.gaps += 1;
    if (block.event !== 'message') return;
    this.check.take(block.data);
    if (this.check.has_seen(this.#options.expect)) {
      this.stop('done');
    } else if (this.check.events >= this.#cut_after_events) {
      this.#cut_after_events = Infinity;
      this.#request.destroy();
      this.#ended(this.#request);
    }
  }

  // Comes once for each connection; what an abandoned connection still says is not heard.
  #ended(request) {
    if (this.#request !== request) return;
    this.#request = null;
    // Spread over half to one and a half times, so that a restart is not met by all in one moment.
    const spread = 0.5 + ((this.#index * 61) % 100) / 100;
    this.#timer = setTimeout(() => this.#connect(), this.#retry_ms * spread);
  }
}

async function start_all(viewers) {
  for (let first = 0; first < viewers.length; first += kConnectingAtOnceMax) {
    const wave = viewers.slice(first, first + kConnectingAtOnceMax);
    await Promise.all(wave.map((viewer) => viewer.start()));
  }
}

function summary(viewers, outcomes, expect, seconds) {
  const sum = (count) => viewers.reduce((total, viewer) => total + count(viewer), 0);
  const faults = {
    lost: sum((viewer) => viewer.check.lost),
    repeated: sum((viewer) => viewer.check.repeated),
    malformed: sum((viewer) => viewer.check.malformed),
    gaps: sum((viewer) => viewer.gaps),
    unfinished: outcomes.filter((outcome) => outcome !== 'done').length,
    'matches without end': sum((viewer) => viewer.check.unfinished()),
  };
  const words = Object.entries(faults).map(([name, count]) => `${count} ${name}`);
  const refused = [...new Set(outcomes.filter((outcome) => outcome.startsWith('refused')))];
  const resumed = sum((viewer) => Math.max(0, viewer.connections - 1));
  const events = sum((viewer) => viewer.check.events);
  return {
    is_faultless: Object.values(faults).every((count) => count === 0),
    line: [
      `${viewers.length} viewers x ${expect} events in ${seconds.toFixed(1)} s: ${events} given`,
      `${resumed} resumed`, ...words, ...refused,
    ].join(', '),
  };
}

function count_option(name, text) {
  if (!/^[1-9][0-9]*$/.test(text)) {
    throw new Error(`--${name} wants a positive number, not ${text}`);
  }
  return Number(text);
}

function options_from(args) {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:8080' },
      viewers: { type: 'string', default: '2000' },
      expect: { type: 'string' },
      cut: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '3600' },
    },
  });
  const season_length = () => JSON.parse(readFileSync(kSeasonJson, 'utf8')).events.length;
  return {
    url: values.url,
    viewers: count_option('viewers', values.viewers),
    expect: values.expect ? count_option('expect', values.expect) : season_length(),
    cut: values.cut,
    seconds: count_option('seconds', values.seconds),
  };
}

async function main() {
  const options = options_from(process.argv.slice(2));
  const viewers = Array.from({ length: options.viewers }, (_, index) => new Viewer(index, options));
  const begun = performance.now();
  const time_out = setTimeout(() => {
    for (const viewer of viewers) viewer.stop('out of time');
  }, options.seconds * 1_000);

  await start_all(viewers);
  const outcomes = await Promise.all(viewers.map((viewer) => viewer.done));
  clearTimeout(time_out);

  const seconds = (performance.now() - begun) / 1_000;
  const { line, is_faultless } = summary(viewers, outcomes, options.expect, seconds);
  console.log(line);
  process.exitCode = is_faultless ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
