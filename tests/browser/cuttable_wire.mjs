// A wire between browser and hub that a test can cut: a TCP relay on a port of its own.

import { once } from 'node:events';
import net from 'node:net';

export class CuttableWire {
  #server;
  #sockets = new Set();
  #is_cut = false;

  // Relays to `address` (host:port).
  static async to(address) {
    const { hostname, port } = new URL(`http://${address}`);
    const wire = new CuttableWire((near) => wire.#relay(near, net.connect(Number(port), hostname)));
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  constructor(on_connection) {
    this.#server = net.createServer(on_connection);
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  // Ends every connection in the middle of whatever it carries, and all that are tried meanwhile.
  cut() {
    this.#is_cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#is_cut = false;
  }

  async remove() {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(near, far) {
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#sockets.add(from);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => {});
      from.pipe(to);
    }
    if (this.#is_cut) near.destroy();
  }
}
