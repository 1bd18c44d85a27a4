// A club's badge: a shield in two colours. Decoration only, the name always stands beside it.

import { svg_element } from '../dom.js';

const kOutline = 'M2 2H22V14C22 20 17 24 12 26.5C7 24 2 20 2 14Z';

// The second colour's share of the shield. Drawn inside the clip path #shield of index.html.
const kShapes = {
  stripes: 'M7 0H12V28H7ZM17 0H22V28H17Z',
  hoops: 'M0 6H24V11H0ZM0 16H24V21H0Z',
  sash: 'M0 20L18 0H26V4L5 28H0Z',
  halves: 'M12 0H24V28H12Z',
  quarters: 'M12 0H24V13H12ZM0 13H12V28H0Z',
};

export function club_badge(club) {
  const [ground, figure] = club.colours;
  return svg_element('svg', { 'class': 'badge', 'viewBox': '0 0 24 28', 'aria-hidden': 'true' },
    svg_element('g', { 'clip-path': 'url(#shield)' },
      svg_element('path', { d: 'M0 0H24V28H0Z', fill: ground }),
      svg_element('path', { d: kShapes[club.shape], fill: figure })),
    svg_element('path', { 'class': 'badge-edge', 'd': kOutline }));
}
