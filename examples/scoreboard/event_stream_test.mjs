import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventStreamParser } from './event_stream.mjs';

const kStream = 'retry: 2500\n\nevent: carillon.cursor\nid: e-0\ndata:\n\n: a comment\n' +
  'id: e-4\ndata: {"a":\ndata: 1}\n\nid: e-5\r\ndata:two\r\n\r\ndata: three\r\rdata: unfinished';

const kBlocks = [
  { event: 'carillon.cursor', id: 'e-0', data: '' },
  { event: 'message', id: 'e-4', data: '{"a":\n1}' },
  { event: 'message', id: 'e-5', data: 'two' },
  { event: 'message', id: 'e-5', data: 'three' },
];

function parse_in(pieces) {
  const blocks = [];
  const parser = new EventStreamParser((block) => blocks.push(block));
  for (const piece of pieces) parser.push(piece);
  return { blocks, retry_ms: parser.retry_ms };
}

// A linear congruential generator: the same cuts on every run.
function cuts_of(text, seed) {
  const pieces = [];
  let state = seed;
  for (let begin = 0; begin < text.length;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const end = begin + 1 + (state >> 8) % 9;
    pieces.push(text.slice(begin, end));
    begin = end;
  }
  return pieces;
}

test('a stream in one piece yields its blocks, its ids and its reconnection time', () => {
  const { blocks, retry_ms } = parse_in([kStream]);

  assert.deepEqual(blocks, kBlocks);
  assert.equal(retry_ms, 2500);
});

test('a stream cut at any place yields the same', () => {
  assert.deepEqual(parse_in([...kStream]).blocks, kBlocks);
  for (let seed = 1; seed <= 500; seed += 1) {
    assert.deepEqual(parse_in(cuts_of(kStream, seed)).blocks, kBlocks, `seed ${seed}`);
  }
});

test('a block without data is not an event, and its id counts all the same', () => {
  const { blocks } = parse_in(['id: e-7\n\ndata: x\n\n']);

  assert.deepEqual(blocks, [{ event: 'message', id: 'e-7', data: 'x' }]);
});
