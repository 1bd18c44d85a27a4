#!/usr/bin/env node
// One WebSocket client of npm over every form the hub has; prints what it was given as JSON.
//
//   node socket_clients.mjs ws|ws-deflate|undici ws://127.0.0.1:PORT TOPIC
//
// Each waits for what it has itself published, and closes with 1000. Exits 1, with the reason on
// stderr.

import { Buffer } from 'node:buffer';
import process from 'node:process';

import { WebSocket as UndiciSocket } from 'undici';
import WsSocket from 'ws';

const kPatience = 15_000;
const [client, origin, topic] = process.argv.slice(2);

function connect(path, subprotocols) {
  if (client === 'undici') return new UndiciSocket(`${origin}${path}`, subprotocols);
  const perMessageDeflate = client === 'ws-deflate';
  return new WsSocket(`${origin}${path}`, subprotocols, { perMessageDeflate });
}

function text_or_base64(data) {
  return typeof data === 'string' ? data : { base64: Buffer.from(data).toString('base64') };
}

// Opens, sends, and takes frames until there are `count`; then closes. What is given is all of it.
function talk(path, { subprotocols = [], send = [], count }) {
  const socket = connect(path, subprotocols);
  socket.binaryType = 'arraybuffer';
  const frames = [];
  return new Promise((resolve, reject) => {
    socket.onopen = () => send.forEach((frame) => socket.send(frame));
    socket.onerror = (event) => reject(new Error(`${path}: ${event.message ?? 'error'}`));
    socket.onmessage = ({ data }) => {
      frames.push(text_or_base64(data));
      if (frames.length === count) socket.close(1000, 'enough');
    };
    socket.onclose = ({ code, wasClean }) => resolve(
      { protocol: socket.protocol, extensions: socket.extensions, frames, code, wasClean });
  });
}

const give_up = setTimeout(() => {
  console.error('not done in time');
  process.exit(1);
}, kPatience);
try {
  const long_text = 'long '.repeat(50_000);
  const payloads = await talk(`/t/${topic}.data`, {
    send: ['text é', new Uint8Array([0, 1, 255]), '', long_text], count: 4,
  });
  const event = { specversion: '1.0', id: '1', source: '/npm', type: 't', data: { n: 1 } };
  const cloudevents = await talk(`/t/${topic}.events`, {
    subprotocols: ['cloudevents.json'], send: [JSON.stringify(event)], count: 1,
  });
  const stream = await talk(`/stream?topic=${topic}.*&after=first&type=t`, { count: 1 });
  const session = await talk('/ws', {
    subprotocols: ['carillon.v1.json'],
    send: [
      JSON.stringify({ op: 'subscribe', id: 's', topics: [`${topic}.session`] }),
      JSON.stringify({ op: 'publish', id: 'p', topic: `${topic}.session`, data: [1, 2] }),
    ],
    count: 4,
  });
  console.log(JSON.stringify({ payloads, cloudevents, stream, session }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
clearTimeout(give_up);
