import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World } from './world.js';

function state(overrides) {
  return {
    player: 'm1', name: 'Ann', colour: 2, x: 10, y: 20, rings: 0, dashing: false, ...overrides,
  };
}

test('a player and a bell are where their last state says', () => {
  const world = new World();

  assert.ok(world.apply(state({ x: 1 })));
  assert.ok(world.apply(state({ x: 2, rings: 3 })));
  assert.ok(world.apply({ bell: 1, x: 5, y: 6 }));
  assert.ok(world.apply({ bell: 0, x: 7, y: 8 }));

  assert.equal(world.player('m1').x, 2);
  assert.equal(world.player('m1').rings, 3);
  assert.deepEqual(world.bells(), [{ x: 7, y: 8 }, { x: 5, y: 6 }]);
});

test('who left is gone, known or not', () => {
  const world = new World();
  world.apply(state({}));

  assert.ok(world.apply({ player: 'm1', left: true }));
  assert.ok(world.apply({ player: 'm2', left: true }));

  assert.deepEqual(world.players(), []);
  assert.equal(world.player('m1'), null);
});

test('standings are by rings, of as many by the order of coming', () => {
  const world = new World();
  for (const [player, rings] of [['m3', 1], ['m2', 5], ['m1', 1]]) {
    world.apply(state({ player, rings }));
  }

  assert.deepEqual(world.standings().map(({ player }) => player), ['m2', 'm1', 'm3']);
});

test('a state that makes no sense changes nothing', () => {
  const world = new World();
  for (const data of [
    null, 'text', {}, { player: 7 }, { bell: 1 }, { bell: 'x', x: 1, y: 1 },
    state({ x: 'here' }), state({ rings: 1.5 }), { player: 'm1', x: 1, y: NaN, rings: 1 },
  ]) assert.equal(world.apply(data), false, JSON.stringify(data));

  assert.deepEqual([world.players(), world.bells()], [[], []]);
  assert.ok(world.apply(state({ name: 7, colour: 'red', dashing: 'yes' })));
  const { name, colour, dashing } = world.player('m1');
  assert.deepEqual({ name, colour, dashing }, { name: 'Somebody', colour: 0, dashing: false });
});

test('two who were told the same in another order know the same', () => {
  const [one, other] = [new World(), new World()];
  const told = [state({}), state({ player: 'm2', x: 3 }), { bell: 0, x: 1, y: 1 }];
  for (const data of told) one.apply(data);
  for (const data of told.reverse()) other.apply(data);

  assert.equal(one.fingerprint(), other.fingerprint());
  other.apply(state({ x: 11 }));
  assert.notEqual(one.fingerprint(), other.fingerprint());
});
