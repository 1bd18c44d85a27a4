// `carillon demo NAME`, which may be ended and started again on the same address and data.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { HubProcess } from './hub_process.mjs';

// Season seconds in a second. The season has 150,000.
export const kAtOnce = 1_000_000;
export const kWithinSeconds = 20_000;
// Long enough for a browser that comes back three times, each after its two seconds and its load.
export const kInTwentySeconds = 7_500;
export const kStandingStill = 0.001;

// A demo hub with a data directory of its own, which outlives the hub's process.
export class Demo {
  #data = mkdtempSync(join(tmpdir(), 'carillon-demo-'));
  #hub = null;
  #address = '127.0.0.1:0';
  #name;

  static async start(t, speed, name = 'scoreboard') {
    const demo = new Demo(name);
    t.after(() => demo.#remove());
    await demo.start(speed);
    return demo;
  }

  constructor(name) {
    this.#name = name;
  }

  get url() {
    return this.#hub.url;
  }

  get address() {
    return this.#address;
  }

  // The first time on any free port, from then on on that one.
  async start(speed = kStandingStill) {
    this.#hub = await HubProcess.start(['demo', this.#name, '--listen', this.#address,
      '--data', this.#data, '--speed', String(speed)]);
    this.#address = this.#hub.address;
  }

  end(signal) {
    return this.#hub.end(signal);
  }

  // Takes the log away under a hub that has ended.
  lose_log() {
    rmSync(this.#data, { recursive: true });
  }

  // The data of every event of the season that the hub has stored so far.
  async stored() {
    return (await this.events('scoreboard.matches')).map((event) => event.data);
  }

  // Every event of a topic, as JSON, in order.
  async events(topic) {
    const events = [];
    for (let after = 'first'; ;) {
      const answer = await fetch(`${this.url}/t/${topic}?after=${after}&limit=1000`);
      assert.equal(answer.status, 200);
      const page = await answer.json();
      events.push(...page.events);
      if (page.cursor === after) return events;
      after = page.cursor;
    }
  }

  async #remove() {
    await this.#hub?.end('SIGKILL');
    rmSync(this.#data, { recursive: true, force: true });
  }
}
