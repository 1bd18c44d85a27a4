// A text area bound to a shared text: what is typed goes into the text, what others type comes out,
// and the own selection stays where it was.

import { UndoManager } from './yjs.bundle.js';
import { change_between, moved_by } from './text_changes.js';

const kTyped = 'typed';
const kUndone = { historyUndo: 'undo', historyRedo: 'redo' };

export class TextArea {
  #area;
  #text;
  #listener;
  #undo;
  #shown = '';
  #composing = false;

  // `listener` has selection_changed(), and composing(true | false): while an input method
  // composes, nothing may change beneath it, so the caller holds back what others typed.
  constructor(area, text, listener) {
    this.#area = area;
    this.#text = text;
    this.#listener = listener;
    this.#undo = new UndoManager(text, { trackedOrigins: new Set([kTyped]) });
    text.observe((event, transaction) => this.#text_changed(event, transaction));
    area.addEventListener('input', () => this.#take_typed());
    area.addEventListener('beforeinput', (event) => this.#before_input(event));
    area.addEventListener('keydown', (event) => this.#key_down(event));
    area.addEventListener('compositionstart', () => this.#set_composing(true));
    area.addEventListener('compositionend', () => this.#set_composing(false));
    document.addEventListener('selectionchange', () => {
      if (document.activeElement === area) listener.selection_changed();
    });
    this.#show();
  }

  // { anchor, head } as places in the text; null while the focus is elsewhere.
  selection() {
    if (document.activeElement !== this.#area) return null;
    const { selectionStart: start, selectionEnd: end, selectionDirection } = this.#area;
    return selectionDirection === 'backward' ? { anchor: end, head: start }
      : { anchor: start, head: end };
  }

  #take_typed() {
    const { value, selectionEnd } = this.#area;
    if (this.#composing || value === this.#shown) return;
    const { at, removed, inserted } = change_between(this.#shown, value, selectionEnd);
    this.#shown = value;
    this.#text.doc.transact(() => {
      if (removed > 0) this.#text.delete(at, removed);
      if (inserted !== '') this.#text.insert(at, inserted);
    }, kTyped);
  }

  #text_changed(event, transaction) {
    if (transaction.origin === kTyped) return;
    const { selectionStart, selectionEnd, selectionDirection } = this.#area;
    const [start, end] = [selectionStart, selectionEnd].map((at) => moved_by(event.delta, at));
    this.#show();
    this.#area.setSelectionRange(start, end, selectionDirection);
  }

  #show() {
    this.#shown = this.#text.toString();
    if (this.#area.value !== this.#shown) this.#area.value = this.#shown;
  }

  // The browser's own memory knows nothing of what others typed.
  #before_input(event) {
    if (!(event.inputType in kUndone)) return;
    event.preventDefault();
    this.#undo[kUndone[event.inputType]]();
  }

  #key_down(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    const key = event.key.toLowerCase();
    const redo = key === 'y' || (key === 'z' && event.shiftKey);
    if (!redo && key !== 'z') return;
    event.preventDefault();
    this.#undo[redo ? 'redo' : 'undo']();
  }

  #set_composing(composing) {
    this.#composing = composing;
    if (!composing) this.#take_typed();
    this.#listener.composing(composing);
  }
}
