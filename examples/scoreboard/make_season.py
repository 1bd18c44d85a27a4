#!/usr/bin/env python3
"""Writes the season that `carillon demo scoreboard` replays: web/demo/scoreboard/season.json.

The league does not exist. Its clubs and squads were written by hand below; what happens in its
matches is drawn here, from a fixed seed, so that the same script always writes the same bytes.

    examples/scoreboard/make_season.py            write the file
    examples/scoreboard/make_season.py --check    exit 1 when the file is not what it would write
"""

import json
import pathlib
import random
import sys

SEASON_JSON = pathlib.Path(__file__).resolve().parents[2] / "web/demo/scoreboard/season.json"

NOTE = (
    "An invented season. The clubs and squads were written by hand, the matches drawn by "
    "examples/scoreboard/make_season.py from a fixed seed. None of them exists. 'at' counts "
    "seconds of season time; the weeks between rounds are left out."
)

SEED = 1857
ROUND_SECONDS = 3 * 3600
KICKOFF_STAGGER_SECONDS = 15 * 60
HALF_TIME_SECONDS = 15 * 60

# Eleven start, in the order goalkeeper, four defenders, three midfielders, three forwards; the
# last five sit on the bench: defender, two midfielders, two forwards.
CLUBS = [
    {
        "name": "Brackenford Town", "code": "BRA", "strength": 1.22,
        "squad": [
            "Owen Hask", "Tomás Verrel", "Idris Cole", "Piet Langer", "Callum Roake",
            "Matteo Bisk", "Yusuf Arden", "Finn Oakley", "Luca Ferrand", "Dele Sowande",
            "Harvey Quill", "Rhys Pemble", "Emil Strand", "Joss Tarrant", "Nico Valente",
            "Kit Marrow",
        ],
    },
    {
        "name": "Port Larkin Wanderers", "code": "LAR", "strength": 1.08,
        "squad": [
            "Gareth Mull", "Søren Dahl", "Ben Atterly", "Ruben Casteel", "Jamie Firth",
            "Kofi Mensa", "Declan Rook", "Ivo Petrak", "Sam Haverill", "Théo Marchal",
            "Abel Njoku", "Louis Garrick", "Mikkel Brandt", "Toby Wren", "Diego Lanza",
            "Ellis Combe",
        ],
    },
    {
        "name": "Dunmarrow United", "code": "DUN", "strength": 1.30,
        "squad": [
            "Marek Zoll", "Alfie Stroud", "Jonah Beck", "Cesar Ibarra", "Liam Thorne",
            "Oskar Lind", "Hugo Fenwick", "Samir Haddou", "Rafael Quint", "Bobby Ashdown",
            "Viktor Sorel", "Aaron Pike", "Levi Draper", "Nils Achter", "Jude Okafor-Hale",
            "Pablo Reyes",
        ],
    },
    {
        "name": "Eastmere Rovers", "code": "EAS", "strength": 0.96,
        "squad": [
            "Patrick Dune", "Wes Calder", "Anton Grell", "Felix Morrow", "Danny Sedge",
            "Ibrahim Tal", "Lewis Hark", "Jan Koster", "Milo Pascoe", "Everton Lyle",
            "Stefan Brill", "Noah Kestle", "Ugo Ferri", "Charlie Vance", "Arlo Denby",
            "Zach Immel",
        ],
    },
    {
        "name": "Harl Quay Albion", "code": "HAR", "strength": 0.88,
        "squad": [
            "Simon Tregg", "Joaquín Peral", "Max Holloway", "Dan Whitlock", "Eirik Moen",
            "Ross Fallow", "Tariq Anwell", "Gus Pender", "Adam Sprake", "Leo Bonnard",
            "Will Carrow", "Henrik Voss", "Moses Adair", "Frank Dellow", "Ali Kersey",
            "Theo Blunt",
        ],
    },
    {
        "name": "Kestrel Heath", "code": "KES", "strength": 0.92,
        "squad": [
            "Nathan Orme", "Łukasz Wilk", "George Tansley", "Remy Dupuy", "Scott Ivers",
            "Caleb Frost", "Andrei Munt", "Jack Sallow", "Isaac Trent", "Olu Bankole",
            "Ryan Cotter", "Ed Marsh", "Pim de Graaf", "Sean Loxley", "Aldo Conti",
            "Freddie Nash",
        ],
    },
    {
        "name": "Stonebeck City", "code": "STO", "strength": 1.14,
        "squad": [
            "Álvaro Cid", "Karl Jessop", "Lamar Boyce", "Tom Egerton", "Mateus Pinho",
            "Craig Halloran", "Bilal Rashed", "Nick Ambrose", "Ewan Tulloch", "Sandro Viel",
            "Micah Grant", "Otto Kranz", "Dominic Shaw-Reed", "Ravi Sethi", "Pete Larwood",
            "Cian Doyle",
        ],
    },
    {
        "name": "Westering Vale", "code": "WES", "strength": 0.80,
        "squad": [
            "Bram Hollis", "Jerome Tate", "Keir Munro", "Vasil Petkov", "Archie Bloom",
            "Denzel Ofori", "Luke Sandry", "Mats Ekholm", "Gabe Rowntree", "Corey Finch",
            "Tiago Serra", "Hal Brewer", "Josef Klima", "Ollie Spence", "Emeka Ude",
            "Ward Tilley",
        ],
    },
]

# How likely a player is to score, by place in the squad; a goalkeeper never does here.
SCORING = [0, 1, 1, 1, 1, 3, 3, 4, 7, 9, 7, 1, 3, 3, 7, 7]
BOOKING = [1, 5, 6, 6, 5, 6, 7, 4, 3, 3, 3, 5, 5, 4, 3, 3]

GOALS_MEAN = 1.36
HOME_ADVANTAGE = 1.18
BOOKINGS_MEAN = 1.55
STRAIGHT_RED_CHANCE = 0.035
PENALTY_CHANCE = 0.11


class Chance:
    """Draws made of random() alone, the one method whose values Python promises to keep."""

    def __init__(self, seed):
        self._random = random.Random(seed)

    def happens(self, probability):
        return self._random.random() < probability

    def integer(self, low, high):
        return low + int(self._random.random() * (high - low + 1))

    def weighted(self, weights):
        mark = self._random.random() * sum(weights)
        for index, weight in enumerate(weights):
            mark -= weight
            if mark < 0:
                return index
        return max(index for index, weight in enumerate(weights) if weight)

    def shuffled(self, items):
        items = list(items)
        for index in range(len(items) - 1, 0, -1):
            other = self.integer(0, index)
            items[index], items[other] = items[other], items[index]
        return items


class Team:
    """One club in one match: who is on the pitch, who may still come on, who is booked."""

    def __init__(self, club):
        self.club = club
        self.pitch = set(range(11))
        self.bench = [11, 12, 13, 14, 15]
        self.booked = set()

    def one_of_pitch(self, chance, weights):
        return chance.weighted([w if i in self.pitch else 0 for i, w in enumerate(weights)])

    def name(self, player):
        return self.club["squad"][player]


def fixtures(chance):
    """A double round-robin by the circle method: 14 rounds of 4, home and away swapped after 7."""
    order = chance.shuffled(range(len(CLUBS)))
    half = []
    for number in range(len(order) - 1):
        pairs = [(order[i], order[-1 - i]) for i in range(len(order) // 2)]
        if number % 2:
            pairs = [(away, home) for home, away in pairs]
        half.append(chance.shuffled(pairs))
        order = [order[0], order[-1]] + order[1:-1]
    return half + [[(away, home) for home, away in pairs] for pairs in half]


class Match:
    """Plays one match. Each of its events is complete in itself: the match as it then stands."""

    def __init__(self, chance, match, round_number, home, away, kickoff_at):
        self.chance = chance
        self.teams = (Team(home), Team(away))
        self.kickoff_at = kickoff_at
        self.state = {
            "match": match, "round": round_number, "home": home["name"], "away": away["name"],
            "score": [0, 0], "minute": 0, "added": 0, "phase": "first-half", "what": "kickoff",
            "player": None, "replaced": None, "club": None, "goals": [], "reds": [0, 0],
            "seq": 0, "last": False,
        }
        self.half_start = kickoff_at
        self.half_minute = 0
        self.events = []

    def play(self):
        self.emit("kickoff", 0)
        self.play_half(45, self.chance.integer(0, 3))
        self.state["phase"] = "half-time"
        self.end_half("half-time", 45)
        self.half_start = self.events[-1]["at"] + HALF_TIME_SECONDS + self.chance.integer(0, 60)
        self.half_minute = 45
        self.state["phase"] = "second-half"
        self.emit("second-half", 45)
        self.play_half(90, self.chance.integer(2, 6))
        self.state["phase"] = "full-time"
        self.state["last"] = True
        self.end_half("full-time", 90)
        return self.events

    def play_half(self, end_minute, added):
        self.added_of_half = added
        for clock in range(end_minute - 44, end_minute + added + 1):
            self.play_minute(min(clock, end_minute), max(0, clock - end_minute))

    def play_minute(self, minute, added):
        """At most one thing happens in a minute, so that a reader sees the order at once."""
        order = (0, 1) if self.chance.happens(0.5) else (1, 0)
        for side in order:
            if self.chance.happens(self.goal_chance(side)):
                return self.goal(side, minute, added)
        for side in order:
            if self.chance.happens(BOOKINGS_MEAN / 90):
                return self.card(side, minute, added)
        for side in order:
            team = self.teams[side]
            if minute > 54 and len(team.bench) > 3 and self.chance.happens(0.075):
                return self.substitution(side, minute, added)
        return None

    def goal_chance(self, side):
        ours, theirs = self.teams[side], self.teams[1 - side]
        mean = GOALS_MEAN * ours.club["strength"] / theirs.club["strength"]
        mean *= HOME_ADVANTAGE if side == 0 else 1 / HOME_ADVANTAGE
        mean *= 0.75 ** (11 - len(ours.pitch)) * 1.3 ** (11 - len(theirs.pitch))
        return mean / 95

    def goal(self, side, minute, added):
        team = self.teams[side]
        player = team.name(team.one_of_pitch(self.chance, SCORING))
        what = "penalty" if self.chance.happens(PENALTY_CHANCE) else "goal"
        self.state["score"][side] += 1
        self.state["goals"].append(
            {"club": team.club["name"], "player": player, "minute": minute, "added": added})
        self.emit(what, minute, added, player, team)

    def card(self, side, minute, added):
        team = self.teams[side]
        index = team.one_of_pitch(self.chance, BOOKING)
        if index in team.booked or self.chance.happens(STRAIGHT_RED_CHANCE):
            team.pitch.remove(index)
            self.state["reds"][side] += 1
            return self.emit("red-card", minute, added, team.name(index), team)
        team.booked.add(index)
        return self.emit("yellow-card", minute, added, team.name(index), team)

    def substitution(self, side, minute, added):
        team = self.teams[side]
        on = team.bench.pop(self.chance.integer(0, len(team.bench) - 1))
        off = team.one_of_pitch(self.chance, [0] + [1] * 15)
        team.pitch.remove(off)
        team.pitch.add(on)
        self.emit("substitution", minute, added, team.name(on), team, replaced=team.name(off))

    def end_half(self, what, minute):
        self.emit(what, minute, self.added_of_half + 1)

    def emit(self, what, minute, added=0, player=None, team=None, replaced=None):
        self.state.update(what=what, minute=minute, added=added, player=player, replaced=replaced,
                          club=team.club["name"] if team else None, seq=self.state["seq"] + 1)
        starts = what in ("kickoff", "second-half")
        into_half = minute + added - self.half_minute
        seconds = 0 if starts else into_half * 60 + self.chance.integer(-59, -1)
        self.events.append({
            "at": self.half_start + seconds,
            "match": self.state["match"],
            "type": EVENT_TYPES[what],
            "data": json.loads(json.dumps(self.state)),
        })


EVENT_TYPES = {
    "kickoff": "scoreboard.kickoff", "goal": "scoreboard.goal", "penalty": "scoreboard.goal",
    "yellow-card": "scoreboard.card", "red-card": "scoreboard.card",
    "substitution": "scoreboard.substitution", "half-time": "scoreboard.half-time",
    "second-half": "scoreboard.second-half", "full-time": "scoreboard.full-time",
}


PHASES = ["first-half", "half-time", "second-half", "full-time"]


def play_season():
    chance = Chance(SEED)
    events = []
    match_number = 0
    for round_index, pairs in enumerate(fixtures(chance)):
        for place, (home, away) in enumerate(pairs):
            match_number += 1
            kickoff_at = round_index * ROUND_SECONDS + place * KICKOFF_STAGGER_SECONDS
            match = Match(chance, f"m{match_number:02d}", round_index + 1,
                          CLUBS[home], CLUBS[away], kickoff_at)
            events.extend(match.play())
    events.sort(key=lambda event: event["at"])
    return events


def check_season(events):
    """What the page, the viewers and the tests rely on, asserted before it is written."""
    squads = {club["name"]: set(club["squad"]) for club in CLUBS}
    assert len(set().union(*squads.values())) == 16 * len(CLUBS), "a name is used twice"
    matches = {}
    for event in events:
        matches.setdefault(event["match"], []).append(event)
    assert len(matches) == len(CLUBS) * (len(CLUBS) - 1)
    pairings = {(own[0]["data"]["home"], own[0]["data"]["away"]) for own in matches.values()}
    assert len(pairings) == len(matches), "a fixture is played twice"
    for own in matches.values():
        data = [event["data"] for event in own]
        assert [d["seq"] for d in data] == list(range(1, len(data) + 1))
        assert [d["last"] for d in data] == [False] * (len(data) - 1) + [True]
        assert all(a["at"] < b["at"] for a, b in zip(own, own[1:])), own[0]["match"]
        clocks = [(PHASES.index(d["phase"]), d["minute"], d["added"]) for d in data]
        assert clocks == sorted(clocks), own[0]["match"]
        assert all(d["player"] in squads[d["club"]] for d in data if d["player"])
        last = data[-1]
        for side, name in enumerate((last["home"], last["away"])):
            goals = [d for d in data if d["what"] in ("goal", "penalty") and d["club"] == name]
            assert len(goals) == last["score"][side]
            assert len([g for g in last["goals"] if g["club"] == name]) == last["score"][side]


def season_text(events):
    """JSON with one event a line, so that a change of the season reads as one."""
    def compact(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    clubs = [{"name": c["name"], "code": c["code"], "squad": c["squad"]} for c in CLUBS]
    lines = ",\n".join("  " + compact(event) for event in events)
    club_lines = ",\n".join("  " + compact(club) for club in clubs)
    return (f'{{\n"note": {compact(NOTE)},\n"clubs": [\n{club_lines}\n],\n'
            f'"events": [\n{lines}\n]\n}}\n')


def main():
    events = play_season()
    check_season(events)
    text = season_text(events)
    if sys.argv[1:] == ["--check"]:
        if SEASON_JSON.read_text(encoding="utf-8") != text:
            sys.exit("season.json is not what make_season.py writes: run it without --check")
        return
    if sys.argv[1:]:
        sys.exit(__doc__)
    SEASON_JSON.write_text(text, encoding="utf-8")
    print(f"{len(events)} events of {len({e['match'] for e in events})} matches")


if __name__ == "__main__":
    main()
