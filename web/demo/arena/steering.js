// Keys and buttons in, a heading out.

const kDirections = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
  w: [0, -1], s: [0, 1], a: [-1, 0], d: [1, 0],
};
const kDash = ' ';

export class Steering {
  #held = new Set();
  #listener;
  #told = '0,0';

  // `listener` has steer([x, y]) for each new heading, and dash().
  constructor(listener) {
    this.#listener = listener;
  }

  // Keys by their name, as KeyboardEvent has it. True when it is one of ours.
  press(key) {
    if (key === kDash) this.#listener.dash();
    const name = known(key);
    if (name !== null) this.#held.add(name);
    this.#tell();
    return this.knows(key);
  }

  knows(key) {
    return key === kDash || known(key) !== null;
  }

  release(key) {
    this.#held.delete(known(key));
    this.#tell();
  }

  release_all() {
    this.#held.clear();
    this.#tell();
  }

  // Whoever heard what was told so far is another now.
  tell_anew() {
    this.#told = '0,0';
    this.#tell();
  }

  #tell() {
    const sum = [...this.#held].map((name) => kDirections[name])
      .reduce(([x, y], [dx, dy]) => [x + dx, y + dy], [0, 0]).map(Math.sign);
    if (String(sum) === this.#told) return;
    this.#told = String(sum);
    this.#listener.steer(sum);
  }
}

function known(key) {
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(kDirections, name) ? name : null;
}
