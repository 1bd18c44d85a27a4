// Text of an event stream in, blocks out: { event, id, data } and the reconnection time.
//
// The parser of the HTML standard (section 9.2.6), for text cut at any place. The caller decodes
// UTF-8. `id` is the last one given, also when the block itself had none.

export class EventStreamParser {
  retry_ms = null;
  #on_block;
  #line = '';
  #after_carriage_return = false;
  #event = '';
  #id = '';
  #data = [];

  constructor(on_block) {
    this.#on_block = on_block;
  }

  push(text) {
    let rest = text;
    if (this.#after_carriage_return && rest !== '') {
      if (rest.startsWith('\n')) rest = rest.slice(1);
      this.#after_carriage_return = false;
    }
    const pieces = (this.#line + rest).split(/\r\n|\n|\r/);
    this.#after_carriage_return = rest.endsWith('\r');
    this.#line = pieces.pop();
    for (const line of pieces) this.#take_line(line);
  }

  #take_line(line) {
    if (line === '') return this.#end_block();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    return this.#take_field(field, value);
  }

  #take_field(field, value) {
    if (field === 'data') this.#data.push(value);
    if (field === 'event') this.#event = value;
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    if (field === 'retry' && /^[0-9]+$/.test(value)) this.retry_ms = Number(value);
  }

  #end_block() {
    const block = { event: this.#event || 'message', id: this.#id, data: this.#data.join('\n') };
    const is_whole = this.#data.length > 0;
    this.#event = '';
    this.#data = [];
    if (is_whole) this.#on_block(block);
  }
}
