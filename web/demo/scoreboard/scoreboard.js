// The scoreboard page: joins the stream, the state and the views.
//
// Events change the state at once; the views are drawn at most once a frame, from the state alone.

import { by_id, element, set_attribute, set_text } from '../dom.js';
import { browser_timers, newest_event } from '../hub.js';
import { Frame } from '../panels.js';
import { SseStream } from '../sse_stream.js';
import { CatchUp } from './catch_up.js';
import { kClubs, kMatches, kRounds } from './league.js';
import { league_table } from './league_table.js';
import { MatchCards } from './match_cards.js';
import { gap_words } from './match_words.js';
import { ResultList } from './result_list.js';
import { ScoreState } from './score_state.js';
import { StreamPanel } from './stream_panel.js';
import { TableView } from './table_view.js';
import { Ticker } from './ticker.js';

const kTopic = 'scoreboard.matches';
const kClubNames = kClubs.map((club) => club.name);

// After these the hub goes on from the page's own cursor, but events that the page never saw are
// gone, and with them perhaps the last of a match: what is left is read again from the first event.
const kGapsReadAgain = ['expired', 'deleted', 'restart'];
// After these the hub begins at the start of its log by itself; what the page shows is of another.
const kGapsBegunAnew = ['epoch', 'unknown'];

class Scoreboard {
  #state = new ScoreState();
  #catch_up = new CatchUp();
  #stream;
  #figures = {
    connection: 'connecting', received: 0, repeats: 0, malformed: 0, gaps: 0, cursor: null,
  };
  #frame = new Frame(() => this.#draw());
  #rounds = new RoundLights(by_id('round-lights'));
  #cards = new MatchCards(by_id('cards'));
  #results = new ResultList(by_id('results'));
  #table = new TableView(by_id('table-body'));
  #count_in_play = by_id('count-in-play');
  #ticker = new Ticker({
    region: by_id('ticker'), list: by_id('ticker-lines'), hold_button: by_id('hold-ticker'),
  });
  #panel = new StreamPanel({
    connection: by_id('connection'), received: by_id('received'), conflated: by_id('conflated'),
    repeats: by_id('repeats'), malformed: by_id('malformed'), gaps: by_id('gaps'),
    cursor: by_id('cursor'), notices: by_id('notices'),
  });

  constructor() {
    this.#stream = new SseStream(`/t/${kTopic}?conflate=key&rate=20`, {
      opened: () => this.#opened(),
      event: (text, cursor) => this.#event(text, cursor),
      moved: (cursor) => this.#moved(cursor),
      gap: (gap, cursor) => this.#gap(gap, cursor),
      interrupted: () => this.#interrupted(),
    }, { EventSource, timers: browser_timers() });
    this.#count_in_play.addEventListener('change', () => this.#frame.ask());
  }

  start() {
    this.#stream.open('first');
    this.#frame.ask();
  }

  async #opened() {
    this.#set_connection('catching-up');
    const catch_up = new CatchUp();
    this.#catch_up = catch_up;
    try {
      catch_up.aim_at((await newest_event(kTopic))?.data ?? null);
    } catch {
      catch_up.aim_is_unknown();
    }
    this.#see_whether_caught_up();
  }

  #event(text, cursor) {
    const data = parsed_or_null(text);
    const outcome = this.#state.apply(data);
    this.#figures.received += 1;
    this.#figures.cursor = cursor;
    if (outcome === 'changed') this.#ticker.add(data);
    if (outcome === 'repeat') this.#figures.repeats += 1;
    if (outcome === 'malformed') this.#figures.malformed += 1;
    this.#see_whether_caught_up();
  }

  #moved(cursor) {
    this.#figures.cursor = cursor;
    this.#catch_up.heartbeat();
    this.#see_whether_caught_up();
  }

  #gap(gap, cursor) {
    this.#figures.cursor = cursor;
    this.#figures.gaps += 1;
    this.#panel.notice(gap_words(gap));
    if (kGapsReadAgain.includes(gap.reason) || kGapsBegunAnew.includes(gap.reason)) this.#forget();
    if (kGapsReadAgain.includes(gap.reason)) {
      this.#set_connection('connecting');
      this.#stream.open('first');
    }
    this.#frame.ask();
  }

  #forget() {
    this.#state = new ScoreState();
    this.#ticker.clear();
    this.#results.clear();
  }

  #interrupted() {
    this.#set_connection('reconnecting');
  }

  #see_whether_caught_up() {
    const open = this.#figures.connection === 'catching-up';
    if (open && this.#catch_up.reached(this.#state)) this.#set_connection('live');
    this.#frame.ask();
  }

  #set_connection(connection) {
    this.#figures.connection = connection;
    this.#ticker.set_busy(connection === 'catching-up');
    this.#frame.ask();
  }

  #draw() {
    const in_play = this.#count_in_play.checked ? 'counted' : 'left-out';
    const table = league_table(kClubNames, this.#state.matches(), { in_play });
    const round = this.#state.round();
    this.#cards.render(this.#state.matches_of_round(round));
    this.#rounds.render(round, this.#state.finished().length);
    this.#results.render(this.#state.finished());
    this.#table.render(table);
    this.#ticker.render();
    this.#panel.render({ ...this.#figures, conflated: this.#state.conflated_away() });
    this.#draw_words(table[0]);
  }

  #draw_words(leader) {
    const finished = this.#state.finished().length;
    const in_play = this.#state.in_play().length;
    const matches = in_play === 1 ? 'match' : 'matches';
    by_id('before-kickoff').hidden = this.#state.round() > 0;
    by_id('no-results').hidden = finished > 0;
    by_id('champion').hidden = finished < kMatches;
    set_text(by_id('champion-name'), finished < kMatches ? '' : leader.club);
    set_text(by_id('in-play-count'), `${in_play} ${matches} in play`);
  }
}

// The round as a number, and a row of lights: one a round, lit as the season goes on.
class RoundLights {
  #lights = Array.from({ length: kRounds }, () => element('span', { class: 'light' }));

  constructor(root) {
    root.append(...this.#lights);
  }

  render(round, finished) {
    set_text(by_id('round-number'), round === 0 ? '–' : String(round));
    set_text(by_id('finished-count'), `${finished} of ${kMatches} matches finished`);
    this.#lights.forEach((light, index) => {
      const played = finished === kMatches || index + 1 < round;
      set_attribute(light, 'data-light', played ? 'played' : index + 1 === round ? 'now' : 'off');
    });
  }
}

function parsed_or_null(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

for (const origin of document.querySelectorAll('.origin')) set_text(origin, window.location.origin);
new Scoreboard().start();
