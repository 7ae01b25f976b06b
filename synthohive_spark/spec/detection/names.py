"""What names say about keys: how likely a column is, by its name alone, a key that points at a column of some table. English names, in any spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..column_names import is_person, listed, singular, subject, words

_KEY_WORDS = listed("id ids key no nr num number code cd fk pk sk bk ref reference uuid guid oid uid abbr iso")
_GLUED = ("uuid", "guid", "code", "key", "num", "id", "no", "nr", "fk", "pk", "sk", "cd")  # endings that are written on to a word: custkey, customerid
_VAGUE = listed("name title description date time year month day hour type status value text note comment label position level line sequence seq")
_MEASURES = listed(
    "quantity qty amount price cost total sum count age year month day hour minute second week weekday weight height width length depth size score rate "
    "percent duration distance rank position sequence seq version latitude longitude lat lon temperature stock balance salary discount tax point minutes "
    "hours days millisecond byte value level capacity volume speed rating num_of run attempt population area"
)
_COUNTERS = listed("row record index idx rowid rownum serial unnamed")
_ABOVE = listed(  # of a row of the same table
    "parent manager mgr boss supervisor superior reports report root previous prev predecessor next successor superseded supersedes replaced replaces "
    "replacement original ancestor leader lead head upline referrer referred mother father sire dam chief super sup up reply superordinate"
)
_STAFF = listed(
    "rep representative manager mgr supervisor clerk agent salesman salesperson lead handler officer assignee assigned approver approved reviewer reviewed "
    "creator created modified updated editor operator cashier advisor adviser teacher instructor lecturer doctor physician driver picker buyer planner "
    "responsible contact"
)
_STAFF_TABLES = listed("employee emp staff personnel worker user account person salesperson member agent people")
_OWNERS = listed("owner author sender receiver recipient reporter requester payer payee follower friend host guest seller buyer by")
_IRREGULAR = {"people": "person", "persons": "person", "children": "child", "men": "man", "women": "woman", "criteria": "criterion", "indices": "index"}
_SHARED = 0.8  # of the names begin with one word: it says whose they are, not what
_LEAST_SHARING = 3

SAME, SAME_ELSEWHERE, SUBJECT, BARE_SUBJECT = 0.95, 0.85, 0.95, 0.85
ROLE, BARE_ROLE, HEAD, SHORT, HINT, PERSON, STAFF, KEYED = 0.88, 0.75, 0.6, 0.65, 0.45, 0.45, 0.6, 0.1


@dataclass(frozen=True)
class Name:
    """A name in parts.

    Attributes:
        words: all of it, in lower case.
        core: without words for keys at its ends, the last one in the singular.
    """

    words: tuple[str, ...]
    core: tuple[str, ...]

    @property
    def keyed(self) -> bool:
        """Whether it has a word for keys (id, no, code)."""
        return len(self.core) < len(self.words)

    @property
    def measures(self) -> bool:
        """Whether it sounds like something counted or measured: `quantity`, `up_votes`."""
        return not self.keyed and bool(self.core) and (singular(self.core[-1]) in _MEASURES or self.counts)

    @property
    def counts(self) -> bool:
        """Whether it ends in a plural: not one of them, but how many."""
        last = self.words[-1] if self.words else ""
        return not self.keyed and last.endswith("s") and not last.endswith(("ss", "us", "is", "series", "species"))

    @property
    def counter(self) -> bool:
        """Whether it numbers the rows of whatever it is in."""
        return bool(self.words) and (self.core or self.words)[-1] in _COUNTERS


@dataclass(frozen=True)
class Names:
    """The names of a schema in parts.

    Attributes:
        subjects: what a row of each table is.
        columns: by table and column; where all columns of the table begin with one word, also without it.
        owners: by the core of a column's name, the tables that it is called after.
    """

    subjects: Mapping[str, tuple[str, ...]]
    columns: Mapping[tuple[str, str], tuple[Name, ...]]
    owners: Mapping[tuple[str, ...], frozenset[str]]

    @classmethod
    def of(cls, tables: Mapping[str, Iterable[str]]) -> Names:
        """The names of tables and of their columns."""
        subjects = _subjects(list(tables))
        vocabulary = sorted({word for subject in subjects.values() for word in (*subject, "".join(subject))})
        columns: dict[tuple[str, str], tuple[Name, ...]] = {}
        owners: dict[tuple[str, ...], set[str]] = {}
        for table, names in tables.items():
            parts = {name: _split(words(name), vocabulary) for name in names}
            shared = _shared([p for p in parts.values() if p])
            for name, own in parts.items():
                cut = [own[1:]] if shared and len(own) > 1 and own[0] == shared else []
                columns[table, name] = tuple(_named(some) for some in (own, *cut))
        for table, about in subjects.items():
            owners.setdefault(about, set()).add(table)
        return cls(subjects, columns, {core: frozenset(some) for core, some in owners.items()})

    def keyed(self, table: str, column: str) -> bool:
        """Whether a column has a word for keys in its name."""
        return any(name.keyed for name in self.columns[table, column])

    def bare(self, table: str, column: str) -> bool:
        """Whether the name says key, and not of what: `id`."""
        return any(name.keyed and not name.core for name in self.columns[table, column])

    def measures(self, table: str, column: str) -> bool:
        """Whether the name sounds like something counted or measured."""
        return any(name.measures for name in self.columns[table, column])

    def counts_rows(self, table: str, column: str) -> bool:
        """Whether the name says that rows are numbered: `row_id`."""
        return any(name.counter for name in self.columns[table, column])

    def of_own_table(self, table: str, column: str) -> bool:
        """Whether a column is called after its own table: `customer_id` of customers."""
        return any(_same(name.core, self.subjects[table]) for name in self.columns[table, column])

    def of_other_table(self, table: str, column: str) -> bool:
        """Whether a column is called after another table, and not after its own."""
        others = [about for other, about in self.subjects.items() if other != table and about]
        return not self.of_own_table(table, column) and any(_ends(name.core, about) for name in self.columns[table, column] for about in others)

    def affinity(self, child: tuple[str, str], parent: tuple[str, str]) -> tuple[float, str]:
        """How much the name of a column sounds like a key to another one, in [0, 1], and why.

        Args:
            child, parent: (table, column).
        """
        pairs = [(own, key) for own in self.columns[child] for key in self.columns[parent]]
        return max((self._affinity(own, key, child, parent) for own, key in pairs), key=lambda one: one[0])

    def _affinity(self, own: Name, key: Name, child: tuple[str, str], parent: tuple[str, str]) -> tuple[float, str]:
        about = self.subjects[parent[0]]
        if child[0] == parent[0]:
            return self._above(own, key, about)
        found = [self._equal(own, key, child, parent), _called_after(own, about), _ends_like(own, key), _shortened(own, about), _person(own, parent[0], about)]
        return max(found, key=lambda one: one[0])

    def _above(self, own: Name, key: Name, about: tuple[str, ...]) -> tuple[float, str]:
        """Of a column that may point at rows of its own table."""
        told = set(own.core) & _ABOVE
        extra = _ends(own.core, about) and len(own.core) > len(about)
        if told and (own.keyed or extra or own.core[-1] in {*_ABOVE, "to"}):
            return SAME_ELSEWHERE, f"its name tells of a row above ({sorted(told)[0]})"
        if extra and own.keyed and key.core and key.core != own.core:
            return HINT, "its name ends like its own table's"
        if own.keyed and own.core and not _ends(own.core, about):
            return KEYED, "its name has a word for keys"
        return 0.0, ""

    def _equal(self, own: Name, key: Name, child: tuple[str, str], parent: tuple[str, str]) -> tuple[float, str]:
        if own.words != key.words or not key.core or own.counter:
            return 0.0, ""
        if own.core[-1] in _VAGUE:
            return 0.5 if len(own.core) == 1 else 0.3, "it has the name of the key, which many columns have"
        called = self._called_after(key.core)
        if parent[0] in called:
            return SAME, "it has the name of the key"
        if called:
            return (0.0, "") if child[0] in called else (0.5, "it has the name of the key, which is called after another table")
        return SAME_ELSEWHERE + 0.05 * self.of_own_table(*parent), "it has the name of the key"

    def _called_after(self, core: tuple[str, ...]) -> frozenset[str]:
        found = self.owners.get(core, frozenset())
        return found or frozenset(t for t, about in self.subjects.items() if _same(core, about))


def _subjects(tables: list[str]) -> dict[str, tuple[str, ...]]:
    plain = {table: subject(table) for table in tables}
    shared = _shared([p for p in plain.values() if p])
    cut = {table: own[1:] if shared and len(own) > 1 and own[0] == shared else own for table, own in plain.items()}
    return {table: (*own[:-1], _IRREGULAR.get(own[-1], own[-1])) if own else tuple(words(table)) for table, own in cut.items()}


def _shared(names: list[tuple[str, ...]]) -> str | None:
    """The word that (nearly) all names begin with and that is the whole of none."""
    firsts = [name[0] for name in names]
    common = max(sorted(set(firsts)), key=firsts.count, default=None)
    if common is None or common in _KEY_WORDS or len(names) < _LEAST_SHARING or firsts.count(common) < max(_LEAST_SHARING, _SHARED * len(names)):
        return None
    return common


def _split(own: tuple[str, ...], vocabulary: list[str]) -> tuple[str, ...]:
    """The words with what is written on to them as words of its own, where the rest is part of a table's name."""
    found: list[str] = []
    for word in own:
        ending = next((e for e in _GLUED if word.endswith(e) and len(word) - len(e) >= 3), None)
        known = ending is not None and any(v.startswith(singular(word[: -len(ending)])) for v in vocabulary)
        found += [word[: -len(ending)], ending] if ending and known else [word]
    return tuple(found)


def _named(own: tuple[str, ...]) -> Name:
    core = list(own)
    while core and core[-1] in _KEY_WORDS:
        core.pop()
    while core and core[0] in _KEY_WORDS:
        core.pop(0)
    if core:
        core[-1] = _IRREGULAR.get(core[-1], singular(core[-1]))
    return Name(own, tuple(core))


def _same(core: tuple[str, ...], about: tuple[str, ...]) -> bool:
    return bool(core) and "".join(core) == "".join(about)


def _ends(core: tuple[str, ...], about: tuple[str, ...]) -> bool:
    return bool(about) and len(core) >= len(about) and core[len(core) - len(about) :] == about


def _called_after(own: Name, about: tuple[str, ...]) -> tuple[float, str]:
    """A column that has the name of a table: `customer_id`, `billing_customer`, `item_id` of the table order_items."""
    core, name = own.core, " ".join(about)
    if own.counts:
        return 0.0, ""
    if _same(core, about):
        return SUBJECT if own.keyed else BARE_SUBJECT, f"it is called after the table ({name})"
    if _ends(core, about):
        return ROLE if own.keyed else BARE_ROLE, f"its name ends like the table's ({name})"
    if about and own.keyed and core[: len(about)] == about:
        return HEAD + 0.1, f"its name begins like the table's ({name})"
    if len(about) > 1 and core[-1:] == about[-1:] and own.keyed:
        return HEAD, f"its name ends like the table's ({name})"
    return 0.0, ""


def _ends_like(own: Name, key: Name) -> tuple[float, str]:
    """A column with a role before the name of the key: `original_language_id`."""
    if not key.core or key.core[-1] in _VAGUE or not _ends(own.words, key.words) or own.words == key.words:
        return 0.0, ""
    return (ROLE if key.keyed else BARE_ROLE), "its name ends with that of the key"


def _shortened(own: Name, about: tuple[str, ...]) -> tuple[float, str]:
    """A column with a part of the table's name, or its letters: `dept_no`, `ship_via` of the table shippers."""
    if not own.core or not about or own.core[-1] in _VAGUE:
        return 0.0, ""
    if own.keyed and any(_short(a, b) for a, b in ((own.core[-1], about[-1]), (about[-1], own.core[-1]))):
        return SHORT, f"its name is short for the table's ({' '.join(about)})"
    if own.keyed and "".join(own.core) == "".join(word[0] for word in about) and len(about) > 1:
        return SHORT, f"its name has the first letters of the table's ({' '.join(about)})"
    if not own.measures and any(4 <= len(word) < len(about[-1]) and about[-1].startswith(word) for word in own.core):
        return HINT, f"its name has a part of the table's ({' '.join(about)})"
    return 0.0, ""


def _short(short: str, long: str) -> bool:
    """Whether a word is a shorter form of another: its beginning, or letters of it in their order."""
    if not 3 <= len(short) < len(long) or short[0] != long[0]:
        return False
    letters = iter(long)
    return long.startswith(short) or (len(short) <= 5 and all(letter in letters for letter in short))


def _person(own: Name, table: str, about: tuple[str, ...]) -> tuple[float, str]:
    """A column for what persons do, and a table of persons: `support_rep_id`, `created_by`."""
    told = set(own.words)
    roles = told & (_STAFF | _OWNERS)
    if not roles or not (own.keyed or "by" in told):
        return 0.0, ""
    if about[-1:] and about[-1] in _STAFF_TABLES and (roles & _STAFF or "by" in told):
        return STAFF, f"its name tells of a person at work ({sorted(roles)[0]})"
    return (PERSON, f"its name tells of a person ({sorted(roles)[0]})") if is_person(table) else (0.0, "")
