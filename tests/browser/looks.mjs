// How a page must look: readable in light and dark, on every width, and with a focus that is seen.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { faint_texts } from './chromium.mjs';

const kScreenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

const kScreens = [
  { name: 'wide', viewport: { width: 1280, height: 900 } },
  { name: 'tablet', viewport: { width: 768, height: 1024 } },
  { name: 'narrow', viewport: { width: 360, height: 740 } },
];

// { where, look }: the name of each, and the options of a browser context.
export const kLooks = ['light', 'dark'].flatMap((colorScheme) => (
  kScreens.map(({ name, viewport }) => ({
    where: `${colorScheme}-${name}`, look: { colorScheme, viewport, reducedMotion: 'reduce' },
  }))));

export async function assert_readable(page, where) {
  assert.deepEqual(await page.evaluate(faint_texts), [], where);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= page.viewportSize().width, `${where}: nothing runs out of the screen`);
}

// Left in build/screenshots.
export function picture(page, name) {
  mkdirSync(kScreenshots, { recursive: true });
  return page.screenshot({ path: join(kScreenshots, `${name}.png`), fullPage: true });
}

// Presses Tab until the page has been gone round once; what had the focus, in order.
export async function focus_order(page) {
  const order = [];
  for (let presses = 0; presses < 50; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const node = document.activeElement;
      if (node === null || node === document.body) return null;
      return { name: node.id || node.className || node.tagName,
        is_outlined: getComputedStyle(node).outlineStyle !== 'none' };
    });
    if (focused === null) break;
    order.push(focused);
  }
  return order;
}
