// Chromium as the browser tests want it, and what they ask of every page.

import { chromium } from 'playwright-core';

export function launch_chromium() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}

// Everything that the page reports as an error, exceptions and refusals of its own policy included.
export function errors_of(page) {
  const errors = [];
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  return errors;
}

// Text whose contrast with what lies behind it is below 4.5, as `selector: text (ratio)`.
// Runs in the page; gradients do not count, so what bears one needs a colour too.
export function faint_texts() {
  const kContrastMin = 4.5;

  function channels(colour) {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    return { red, green, blue, alpha };
  }

  function over(above, below) {
    const mix = (name) => above[name] * above.alpha + below[name] * (1 - above.alpha);
    return { red: mix('red'), green: mix('green'), blue: mix('blue'), alpha: 1 };
  }

  function luminance({ red, green, blue }) {
    const [r, g, b] = [red, green, blue].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function ground_of(element) {
    if (element === null) return { red: 255, green: 255, blue: 255, alpha: 1 };
    const own = channels(getComputedStyle(element).backgroundColor);
    return own.alpha === 1 ? own : over(own, ground_of(element.parentElement));
  }

  function contrast_of(element) {
    const ground = ground_of(element);
    const own = channels(getComputedStyle(element).color);
    if (own.alpha === 0) return Infinity;  // it is there to give its neighbours their place
    const ink = over(own, ground);
    const [dark, light] = [luminance(ground), luminance(ink)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: element, textContent: text } = texts.currentNode;
    if (text.trim() === '' || element.closest('svg, noscript')) continue;
    if (!element.checkVisibility()) continue;
    const contrast = contrast_of(element);
    if (contrast >= kContrastMin) continue;
    faint.add(`${element.tagName}.${element.className}: ${text.trim()} (${contrast.toFixed(2)})`);
  }
  return [...faint];
}
