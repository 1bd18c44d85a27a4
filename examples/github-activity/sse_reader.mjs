#!/usr/bin/env node
// Reads events with the npm package eventsource and prints each as a line {"cursor", "data"}.
//
//   node sse_reader.mjs URL COUNT
//
// Nothing here knows of cursors: EventSource resumes by itself. Exits 1 when it is told of a gap.

import process from 'node:process';

import { EventSource } from 'eventsource';

const [url, count] = process.argv.slice(2);
const source = new EventSource(url);
let left = Number(count);

function end(code) {
  source.close();
  process.exitCode = code;
}

source.onmessage = (event) => {
  if (left === 0) return;
  console.log(JSON.stringify({ cursor: event.lastEventId, data: event.data }));
  left -= 1;
  if (left === 0) end(0);
};
source.addEventListener('carillon.gap', (event) => {
  console.error(`a gap: ${event.data}`);
  end(1);
});
