#!/usr/bin/env node
// Reads events by long-poll with the npm package undici and prints each answer as a line: its body
// as a JSON string, so that whoever reads the line sees every number as the hub wrote it.
//
//   node long_poll_reader.mjs URL COUNT        URL without `after` and `wait`

import process from 'node:process';

import { request } from 'undici';

const kWaitSeconds = 5;
const [url, count] = process.argv.slice(2);
let left = Number(count);
let after = 'first';

while (left > 0) {
  const next = new URL(url);
  next.searchParams.set('after', after);
  next.searchParams.set('wait', kWaitSeconds);
  const { statusCode, headers, body } = await request(next);
  const text = await body.text();
  if (statusCode === 204) {
    after = headers['carillon-cursor'];
    continue;
  }
  if (statusCode !== 200) throw new Error(`${statusCode}: ${text}`);
  const page = JSON.parse(text);
  after = page.cursor;
  left -= page.events.length;
  console.log(JSON.stringify(text));
}
