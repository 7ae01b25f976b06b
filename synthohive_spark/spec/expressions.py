"""SQL expressions of somebody else (of generated columns and check constraints), which are run only where every word of them is known.

An expression passes if it is made of the columns of its table, literals, operators, and functions of Spark that always give the same for the same row and touch
nothing beside it. What is not on the lists is refused: other functions (`reflect` calls any Java method), functions of the session, queries, scripts,
comments, variables. Spark's parser and analyser have the last word on what passes here.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ..errors import SchemaError

LONGEST = 4_000  # characters; a longer one is no rule that somebody wrote


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^'\\]|\\[^'])*'|"(?:[^"\\]|\\[^"])*")
    |(?P<name>`(?:[^`]|``)+`)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYDF])?(?!\w))
    |(?P<word>[^\W\d]\w*)
    |(?P<sign><=>|<=|>=|<>|!=|==|\|\||[-+*/%=<>()\[\],.&|^~!])""",
    re.VERBOSE,
)
_COMMENTS = ("--", "/*")
# Spark takes these texts for the time of the query wherever it makes a date or a time of a text, also without a word in front.
_MOMENT = re.compile(r"\W*(?:now|today|tomorrow|yesterday)(?:\s.*)?", re.IGNORECASE | re.DOTALL)
_DATED = re.compile(r"[+-]?\d")
_VARIABLE = "${"  # which the session puts in before it reads a statement, inside a string too
# Words that begin a query, a script or a window, also where a column has such a name: in backticks it can be used.
_QUERIES = _words("""select from values table with map reduce using over lateral pivot unpivot exists where having union intersect except""")
_KEYWORDS = _words(
    """and or not in is null true false between like ilike rlike regexp case when then else end as div distinct escape any some all unknown date
    timestamp timestamp_ntz timestamp_ltz interval"""
)
_TYPES = _words(
    """string int integer bigint long smallint short tinyint byte double float real decimal dec numeric boolean date timestamp timestamp_ntz
    timestamp_ltz binary varchar char character"""
)
_UNITS = _words("year quarter month week day dayofweek doy dow hour minute second")
_UNITS |= {f"{unit}s" for unit in _UNITS}
_INSIDE = {
    "extract": {"from"} | _UNITS,
    "date_part": _UNITS,
    "trim": {"from", "both", "leading", "trailing"},
    "substring": {"from", "for"},
    "substr": {"from", "for"},
    "cast": _TYPES,
    "try_cast": _TYPES,
    "date_trunc": _UNITS,
    "timestampadd": _UNITS,
    "timestampdiff": _UNITS,
    "dateadd": _UNITS,
    "datediff": _UNITS,
}
_DATES = _words("date timestamp timestamp_ntz timestamp_ltz")
_BEFORE_STRINGS = _DATES | {"interval", "x"}
FUNCTIONS = _words(
    """abs acos acosh add_months array array_contains array_join array_position ascii asin asinh atan atan2 atanh base64 between bigint binary bin
    bit_count bit_length boolean bround btrim cardinality cast cbrt ceil ceiling char char_length character_length chr coalesce concat concat_ws
    contains conv cos cosh cot crc32 date date_add date_diff date_format date_from_unix_date date_part date_sub date_trunc dateadd datediff day
    dayname dayofmonth dayofweek dayofyear decimal decode degrees div double e elt encode endswith equal_null exp expm1 extract factorial
    find_in_set float floor format_number format_string from_unixtime from_utc_timestamp get_json_object getbit greatest hash hex hour hypot if
    ifnull initcap instr int isnan isnotnull isnull json_array_length last_day lcase least left length levenshtein ln locate log log10 log1p
    log2 lower lpad ltrim make_date make_interval make_timestamp make_timestamp_ntz mask md5 minute mod month monthname months_between
    named_struct nanvl negative next_day nullif nullifzero nvl nvl2 octet_length overlay parse_url pi pmod position positive pow power printf
    quarter radians regexp regexp_count regexp_extract regexp_instr regexp_like regexp_replace regexp_substr repeat replace reverse right rint
    rlike round rpad rtrim second sec sha sha1 sha2 shiftleft shiftright shiftrightunsigned sign signum sin sinh size smallint soundex space
    split split_part sqrt startswith string struct substr substring substring_index tan tanh timestamp timestamp_micros timestamp_millis
    timestamp_seconds timestampadd timestampdiff tinyint to_char to_date to_number to_timestamp to_timestamp_ntz to_unix_timestamp
    to_utc_timestamp translate trim trunc try_add try_cast try_divide element_at try_element_at try_multiply try_subtract try_to_date
    try_to_number try_to_timestamp ucase unbase64 unhex unix_date unix_micros unix_millis unix_seconds upper url_decode url_encode weekday
    weekofyear width_bucket xxhash64 year zeroifnull"""
)
_BEFORE_BRACKETS = _words("and or not in when then else case between like ilike rlike regexp div any some all is distinct") | _TYPES


def expression_fault(text: object, columns: Collection[str]) -> str | None:
    """Why an expression over a table is not run, in words without its text; None where it may be.

    Args:
        columns: of the table.
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        return "is no expression of a usual length"
    bare = _TOKEN.sub(lambda token: "''" if token.lastgroup in ("text", "name") else token[0], text)
    if _VARIABLE in text or any(sign in bare for sign in _COMMENTS):
        return "has a comment or a variable"
    tokens = _tokens(text)
    return "has signs that are not known" if tokens is None else _Reader({c.casefold() for c in columns}).fault(tokens)


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """(kind, text) of each; None where something is no token."""
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None
        place = match.end()
        kind = str(match.lastgroup)
        if kind != "space":
            found.append((kind, match[0].casefold() if kind == "word" else match[0]))
    return found


class _Reader:
    """Goes through the tokens of one expression.

    Args:
        columns: names, folded.
    """

    def __init__(self, columns: Collection[str]) -> None:
        self._columns = columns
        self._open: list[str] = []  # what each open bracket belongs to

    def fault(self, tokens: list[tuple[str, str]]) -> str | None:
        for place, (kind, token) in enumerate(tokens):
            before = tokens[place - 1] if place else ("", "")
            after = tokens[place + 1] if place + 1 < len(tokens) else ("", "")
            fault = None
            if token == "(" or token == ")":
                fault = self._bracket(token, before)
            elif kind == "word":
                fault = self._word(token, before, after)
            elif kind in ("name", "text"):
                fault = self._quoted(kind, token, before, after)
            elif token == "*" and (before[1] in ("", "(", ",", ".") or before in (("word", "distinct"), ("word", "all"))):
                fault = "reads all columns at once"
            if fault:
                return fault
        return "has brackets that do not fit" if self._open else None

    def _bracket(self, token: str, before: tuple[str, str]) -> str | None:
        if token == "(":
            self._open.append(before[1] if before[0] == "word" else "")
        elif not self._open:
            return "has brackets that do not fit"
        else:
            self._open.pop()
        return None

    def _quoted(self, kind: str, token: str, before: tuple[str, str], after: tuple[str, str]) -> str | None:
        # Where a session takes double quotes for those of names, a text can be one.
        if after[1] == "(" or (kind == "text" and after[1] == "."):
            return "calls a function whose name is quoted"
        if kind == "name" and before[1] != "." and _unquoted(token) not in self._columns:
            return "names something that is no column of the table"  # Spark's `current_user` and variables of the session have names in backticks too
        if kind == "text" and _MOMENT.fullmatch(token[1:-1]):
            return "depends on the time of the query"
        return None

    def _word(self, word: str, before: tuple[str, str], after: tuple[str, str]) -> str | None:
        inside = _INSIDE.get(self._open[-1], frozenset()) if self._open else frozenset()
        if after[1] == "(":
            known = before[1] != "." and (word in FUNCTIONS or word in _BEFORE_BRACKETS or word in inside)
            return None if known else "calls a function that is not known to depend on the row alone"
        if after[0] == "text":
            if word in _DATES and not _DATED.match(after[1][1:]):
                return "has a literal of a kind that is not known"
            plain = word in _BEFORE_STRINGS or word in _KEYWORDS or word in inside
            return None if plain and (word == "x" or word not in self._columns or word in _KEYWORDS) else "has a literal of a kind that is not known"
        if word in inside or (word == "from" and before[1] == "distinct"):
            return None
        if word in _QUERIES:
            return "holds a query"
        if word == "as" and (not self._open or self._open[-1] not in ("cast", "try_cast")):
            return "gives a name to something"
        if word in _KEYWORDS or word in self._columns or before[1] == ".":
            return None
        if word in _UNITS and self._follows_interval(before):
            return None
        return "names something that is no column of the table"

    @staticmethod
    def _follows_interval(before: tuple[str, str]) -> bool:
        return before[0] in ("number", "text")


def _unquoted(name: str) -> str:
    """A name in backticks as columns are compared."""
    return name[1:-1].replace("``", "`").casefold()


def expression_columns(text: str, columns: Collection[str]) -> frozenset[str]:
    """The columns that an expression may read: those whose names stand in it."""
    found = {_unquoted(token) if kind == "name" else token for kind, token in _tokens(text) or () if kind in ("name", "word")}
    return frozenset(column for column in columns if column.casefold() in found)


def checked_expression(text: str, columns: Collection[str], name: str) -> str:
    """An expression that may be run, in brackets.

    Raises:
        SchemaError: it may not; the message names `name`, whose it is, and not the expression.
    """
    fault = expression_fault(text, columns)
    if fault:
        raise SchemaError(f"the rule {name!r} of a table {fault}, and is not run")
    return f"({_with_plain_texts(text)})"


def _with_plain_texts(text: str) -> str:
    """The expression with its texts in single quotes: a session can take double ones for those of names."""
    return _TOKEN.sub(lambda t: f"'{t[0][1:-1]}'" if t.lastgroup == "text" and t[0][0] == '"' and "'" not in t[0] else t[0], text)
