// What the page knows of the league before the first event: how long a season is, and what the
// clubs' badges look like. Everything else comes from events.

export const kRounds = 14;
export const kMatches = 56;

// `shape` is how a badge divides its two colours; see club_badge.js.
export const kClubs = [
  { name: 'Brackenford Town', code: 'BRA', colours: ['#0f7a45', '#f4f6f4'], shape: 'stripes' },
  { name: 'Port Larkin Wanderers', code: 'LAR', colours: ['#17356b', '#f0b429'], shape: 'hoops' },
  { name: 'Dunmarrow United', code: 'DUN', colours: ['#b3212d', '#f4f6f4'], shape: 'sash' },
  { name: 'Eastmere Rovers', code: 'EAS', colours: ['#4f9fd8', '#f4f6f4'], shape: 'halves' },
  { name: 'Harl Quay Albion', code: 'HAR', colours: ['#71203c', '#a9cdea'], shape: 'halves' },
  { name: 'Kestrel Heath', code: 'KES', colours: ['#e2701f', '#1d1f1e'], shape: 'stripes' },
  { name: 'Stonebeck City', code: 'STO', colours: ['#2a55c0', '#f4f6f4'], shape: 'quarters' },
  { name: 'Westering Vale', code: 'WES', colours: ['#f2d024', '#1f6140'], shape: 'sash' },
];

const kClubByName = new Map(kClubs.map((club) => [club.name, club]));

// A club that the table above does not know still gets a code and a plain badge.
export function club_named(name) {
  return kClubByName.get(name) ?? {
    name, code: name.slice(0, 3).toUpperCase(), colours: ['#5b6660', '#d5dcd8'], shape: 'halves',
  };
}
