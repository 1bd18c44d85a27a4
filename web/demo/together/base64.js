// Bytes as the hub's JSON carries them.

const kPieceBytes = 8_192; // fewer than the arguments that a call may have

export function to_base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += kPieceBytes) {
    text += String.fromCharCode(...bytes.subarray(at, at + kPieceBytes));
  }
  return btoa(text);
}

export function from_base64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
