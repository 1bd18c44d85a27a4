// What happened between two texts, and where a place in the first lies in the second. Places count
// UTF-16 code units, as text areas and Yjs do.

// { at, removed, inserted } that makes `before` into `after`. Equal letters beside the change could
// belong to either side; `caret`, where the change ended in `after`, says to which.
export function change_between(before, after, caret) {
  const shorter = Math.min(before.length, after.length);
  let behind = 0;
  const behind_max = Math.min(shorter, after.length - caret);
  while (behind < behind_max && before.at(-1 - behind) === after.at(-1 - behind)) behind += 1;
  let at = 0;
  while (at < shorter - behind && before[at] === after[at]) at += 1;
  // Half of a pair is no character.
  if (is_within_pair(before, at) || is_within_pair(after, at)) at -= 1;
  if (is_within_pair(before, before.length - behind) ||
      is_within_pair(after, after.length - behind)) {
    behind -= 1;
  }
  return {
    at, removed: before.length - behind - at, inserted: after.slice(at, after.length - behind),
  };
}

// Where `place` lies behind `delta`, as Yjs reports it: retain, insert and delete in order. What is
// inserted just at the place comes behind it, so that nobody's caret is pushed along by others.
export function moved_by(delta, place) {
  let at = 0;
  let moved = place;
  for (const { retain, insert, delete: removed } of delta) {
    if (at > moved) break;
    if (retain) at += retain;
    if (removed && at < moved) moved -= Math.min(removed, moved - at);
    if (insert) {
      if (at < moved) moved += insert.length;
      at += insert.length;
    }
  }
  return moved;
}

function is_within_pair(text, place) {
  if (place <= 0 || place >= text.length) return false;
  return is_between(text.charCodeAt(place - 1), 0xd800, 0xdbff) &&
      is_between(text.charCodeAt(place), 0xdc00, 0xdfff);
}

function is_between(unit, first, last) {
  return unit >= first && unit <= last;
}
