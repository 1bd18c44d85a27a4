// A hub as a program: started on a free port, killed or stopped, started again on the same port.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const kListening = /listening on (http:\/\/[^\s]+)/;

export class HubProcess {
  url;
  #child;
  #said = '';

  // Resolves when the hub says where it listens. `options` are the words behind `carillon`.
  static async start(options) {
    const hub = new HubProcess(options);
    await hub.#listening();
    return hub;
  }

  constructor(options) {
    const program = process.env.CARILLON_BIN;
    if (!program) throw new Error('CARILLON_BIN must name the carillon binary');
    this.#child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  get address() {
    return new URL(this.url).host;
  }

  // Ends the hub by `signal`; resolves when it is gone.
  async end(signal) {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill(signal);
    await gone;
  }

  #listening() {
    return new Promise((resolve, reject) => {
      this.#child.stderr.setEncoding('utf8');
      this.#child.stderr.on('data', (text) => {
        this.#said = (this.#said + text).slice(-10_000);
        const found = kListening.exec(this.#said);
        if (found === null || this.url) return;
        this.url = found[1].replace(/\/$/, '');
        resolve();
      });
      this.#child.on('error', reject);
      this.#child.on('exit', (code, signal) => {
        reject(new Error(`the hub ended with ${code ?? signal} and said:\n${this.#said}`));
      });
    });
  }
}
