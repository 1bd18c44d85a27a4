// Who the visitor of a demo is: a name and a colour, invented at first. A tab is a person.

export const kColours = 8;
export const kNameCharactersMax = 24;

const kNames = [
  'Heron', 'Otter', 'Wren', 'Lynx', 'Marten', 'Curlew', 'Badger', 'Kestrel', 'Hare', 'Stoat',
];

export function remembered_self() {
  const made = { name: kNames[any_of(kNames.length)], colour: any_of(kColours) };
  try {
    return { ...made, ...JSON.parse(sessionStorage.getItem('demo.self')) };
  } catch {
    return made;
  }
}

export function remember_self(self) {
  try {
    sessionStorage.setItem('demo.self', JSON.stringify(self));
  } catch {
    // Then it is forgotten with the page.
  }
}

// A name as somebody gave it, made fit to be shown.
export function sound_name(name) {
  const text = typeof name === 'string' ? name.trim() : '';
  return [...text].slice(0, kNameCharactersMax).join('') || 'Somebody';
}

function any_of(count) {
  return Math.floor(Math.random() * count);
}
