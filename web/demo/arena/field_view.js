// Draws the arena on a canvas. Between two states a player is drawn on the way from the one to the
// other, so that ten states a second look like motion.

export const kField = { width: 960, height: 540 };
const kStateMs = 100;
const kPlayerRadius = 14;
const kBellRadius = 12;
const kLinesApart = 60;
// On a field that is smaller on the screen, players and bells are drawn larger than they are.
const kReadableScale = 0.6;
const kColours = [
  '#ff8f86', '#6fb7ff', '#5fd698', '#cf9bff', '#ffb168', '#4fd5dc', '#ff8fd0', '#c6d95a',
];
const kInk = '#f1f5f2';
const kGold = '#ffc247';
const kLine = '#2a3932';

export class FieldView {
  #canvas;
  #drawn = new Map(); // by member: where it was drawn, { x, y }

  constructor(canvas) {
    this.#canvas = canvas;
  }

  // `passed_ms` since the last drawing; Infinity puts everybody where they are.
  render(world, own_member, passed_ms) {
    const { width } = this.#canvas.getBoundingClientRect();
    const scale = Math.max(1, Math.round(width * window.devicePixelRatio)) / kField.width;
    this.#canvas.width = kField.width * scale;
    this.#canvas.height = kField.height * scale;
    const context = this.#canvas.getContext('2d');
    context.scale(scale, scale);
    draw_lines(context);
    const larger = Math.max(1, kReadableScale * kField.width / width);
    for (const bell of world.bells()) draw_bell(context, bell, kBellRadius * larger);
    const players = world.players();
    for (const player of players) {
      const is_own = player.player === own_member;
      draw_player(context, player, this.#place_of(player, passed_ms), { is_own, larger });
    }
    const present = new Set(players.map(({ player }) => player));
    for (const member of this.#drawn.keys()) if (!present.has(member)) this.#drawn.delete(member);
  }

  #place_of({ player, x, y }, passed_ms) {
    const before = this.#drawn.get(player) ?? { x, y };
    const part = Math.min(1, passed_ms / kStateMs);
    const place = { x: before.x + (x - before.x) * part, y: before.y + (y - before.y) * part };
    this.#drawn.set(player, place);
    return place;
  }
}

function draw_lines(context) {
  context.strokeStyle = kLine;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = kLinesApart; x < kField.width; x += kLinesApart) {
    context.moveTo(x, 0);
    context.lineTo(x, kField.height);
  }
  for (let y = kLinesApart; y < kField.height; y += kLinesApart) {
    context.moveTo(0, y);
    context.lineTo(kField.width, y);
  }
  context.stroke();
}

function draw_bell(context, { x, y }, radius) {
  context.fillStyle = kGold;
  context.beginPath();
  context.arc(x, y - radius / 6, radius * 0.7, Math.PI, 0);
  context.lineTo(x + radius, y + radius * 0.6);
  context.lineTo(x - radius, y + radius * 0.6);
  context.closePath();
  context.fill();
  context.beginPath();
  context.arc(x, y + radius * 0.75, radius / 4, 0, Math.PI * 2);
  context.fill();
}

function draw_player(context, player, { x, y }, { is_own, larger }) {
  const radius = kPlayerRadius * larger;
  context.fillStyle = kColours[player.colour];
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
  if (player.dashing || is_own) {
    context.strokeStyle = is_own ? kInk : kGold;
    context.lineWidth = is_own ? 3 : 2;
    context.beginPath();
    context.arc(x, y, radius + 4, 0, Math.PI * 2);
    context.stroke();
  }
  context.fillStyle = kInk;
  context.font = `${is_own ? 700 : 400} ${12 * larger}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.fillText(player.name, x, y > 2 * radius ? y - radius - 6 : y + radius + 18 * larger);
}
