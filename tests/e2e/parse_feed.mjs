#!/usr/bin/env node
// Fetches an Atom feed with the npm package rss-parser and prints what that made of it as JSON.
//
//   node parse_feed.mjs URL
//
// The package sends its own Accept and follows redirects, as the readers that are built on it do.
// Exits 1, with the reason on stderr, when it finds no feed.

import process from 'node:process';

import RssParser from 'rss-parser';

try {
  const feed = await new RssParser({ timeout: 20_000 }).parseURL(process.argv[2]);
  console.log(JSON.stringify(feed));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
