import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Steering } from './steering.js';

function recorded() {
  const told = [];
  const steering = new Steering({
    steer: (heading) => told.push(heading.join(' ')), dash: () => told.push('dash'),
  });
  return { told, steering };
}

test('keys that are held add up, and opposite ones rest', () => {
  const { told, steering } = recorded();

  steering.press('ArrowUp');
  steering.press('ArrowRight');
  steering.press('ArrowDown');
  steering.release('ArrowRight');
  steering.release('ArrowUp');
  steering.release('ArrowDown');

  assert.deepEqual(told, ['0 -1', '1 -1', '1 0', '0 0', '0 1', '0 0']);
});

test('a heading is told once, however often its key comes', () => {
  const { told, steering } = recorded();

  for (let presses = 0; presses < 3; presses += 1) steering.press('ArrowLeft');
  steering.press('a');

  assert.deepEqual(told, ['-1 0']);
});

test('letters steer in either case, the space bar dashes, and other keys are left alone', () => {
  const { told, steering } = recorded();

  assert.equal(steering.press('W'), true);
  assert.equal(steering.press(' '), true);
  assert.equal(steering.press('Tab'), false);
  assert.equal(steering.press('toString'), false);
  assert.equal(steering.knows('d'), true);

  assert.deepEqual(told, ['0 -1', 'dash']);
});

test('who looks away stands still', () => {
  const { told, steering } = recorded();
  steering.press('ArrowUp');

  steering.release_all();

  assert.deepEqual(told, ['0 -1', '0 0']);
});

test('a player who begins while a key is down is steered at once', () => {
  const { told, steering } = recorded();
  steering.press('ArrowUp');

  steering.tell_anew();
  steering.release('ArrowUp');
  steering.tell_anew();

  assert.deepEqual(told, ['0 -1', '0 -1', '0 0']);
});
