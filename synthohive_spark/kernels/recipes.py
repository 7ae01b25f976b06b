"""Values of kinds that everybody knows (names, cities, companies, e-mails), put together from short lists: each number gives another value.

A recipe is a few alternatives, plainest first; an alternative is lists and what stands between them. The lists are made by Faker, in English, once per process.
"""

from __future__ import annotations

import random
from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from faker import Faker

from .seeds import derive_seed
from .spread import shuffled

DRAWS = 6_000  # of each list: all first and last names, 5,500 cities; a fifth of a second
# Lists stand in braces. Mails and pages are of domains that nobody can own (RFC 2606), numbers of telephones of those kept for fiction.
_RECIPES: dict[str, tuple[str, ...]] = {
    "first_name": ("{first}", "{first} {first}", "{first} {first} {first}"),
    "last_name": ("{last}", "{last}-{last}", "{last}-{last}-{last}"),
    "name": ("{first} {last}", "{first} {last}-{last}"),
    "user_name": ("{lower_first}{two}", "{lower_first}.{lower_last}", "{lower_first}.{lower_last}{four}"),
    "email": ("{lower_first}.{lower_last}@example.{tld}", "{lower_first}.{lower_last}{four}@example.{tld}"),
    "company": ("{last} {company_suffix}", "{last}-{last}", "{last}, {last} and {last}"),
    "city": ("{city}", "{city}-{city}"),
    "country": ("{country}",),
    "state": ("{state}",),
    "language_name": ("{language}",),
    "job": ("{job}",),
    "street_address": ("{number} {last} {street_suffix}", "{four} {last} {last} {street_suffix}"),
    "url": ("https://{lower_last}.example.{tld}", "https://{lower_last}-{lower_last}.example.{tld}", "https://{lower_last}-{lower_last}.example.{tld}/{four}"),
    "phone_number": ("({area}) 555-01{two}", "({area}) 555-{four}", "+1 ({area}) 555-{four}-{four}"),
    "postcode": ("{five}",),
}
_NUMBERS = {"number": (1, 999), "two": (10, 99), "area": (200, 999), "four": (1_000, 9_999), "five": (10_000, 99_999)}
_FAKER = {"first": "first_name", "last": "last_name", "language": "language_name"}


class _Alternative(NamedTuple):
    """Lists, and the text before the first, between them and after the last."""

    lists: tuple[pa.Array, ...]
    between: tuple[str, ...]

    @property
    def room(self) -> int:
        return reduce(lambda product, values: product * len(values), self.lists, 1)

    def take(self, index: np.ndarray) -> pa.Array:
        """The values of numbers below the room, int64 (m,)."""
        parts: list[pa.Array | pa.Scalar] = [pa.scalar(self.between[0])]
        for values, after in zip(self.lists, self.between[1:], strict=True):
            parts += [values.take(pa.array(index % len(values))), pa.scalar(after)]
            index = index // len(values)
        return pc.binary_join_element_wise(*parts, pa.scalar(""))


def room_of_recipe(kind: str, longest: int = 0) -> int:
    """Different values of a kind that are not longer than `longest` (0: any); 0 for none, or where there is no such kind."""
    return sum(alternative.room for alternative in _recipe(kind, longest))


def values_of(kind: str, index: np.ndarray, *, longest: int = 0, salt: int = 0, plain: bool = False) -> pa.Array:
    """The values of numbers from 0 on, int64 (m,): no two below `room_of_recipe` the same, and low ones of the plainest form.

    Args:
        longest: characters of a value; 0 for any number.
        salt: other values in another order.
        plain: keep to the plainest form, and repeat it.

    Raises:
        ValueError: there is no value of the kind that is so short.
    """
    recipe = _recipe(kind, longest)[: 1 if plain else None]
    if not recipe:
        raise ValueError(f"no {kind} has at most {longest} characters")
    ends = np.cumsum([float(alternative.room) for alternative in recipe])
    which = np.searchsorted(ends, index, side="right")
    which[which == len(recipe)] = len(recipe) - 1
    out: list[pa.Array] = []
    place = np.empty(len(index), dtype=np.int64)
    for number, alternative in enumerate(recipe):
        rows = np.flatnonzero(which == number)
        place[rows] = sum(map(len, out)) + np.arange(len(rows))
        inside = (index[rows] - int(ends[number] - alternative.room)) % alternative.room
        out.append(alternative.take(shuffled(inside, alternative.room, derive_seed(salt, kind))))
    return pa.concat_arrays(out).take(pa.array(place))


@lru_cache(maxsize=256)
def _recipe(kind: str, longest: int) -> tuple[_Alternative, ...]:
    parsed = (_parsed(form) for form in _RECIPES.get(kind, ()))
    shortened = (_shortened(alternative, longest) if longest else alternative for alternative in parsed)
    return tuple(alternative for alternative in shortened if alternative is not None)


def _parsed(form: str) -> _Alternative:
    pieces = [piece.split("}") for piece in form.split("{")]
    return _Alternative(tuple(_list(name) for name, _ in pieces[1:]), (pieces[0][0], *(after for _, after in pieces[1:])))


def _shortened(alternative: _Alternative, longest: int) -> _Alternative | None:
    """With the longest values of its lists left out until all of its values are short enough; None where none is."""
    lengths = [pc.utf8_length(values).to_numpy() for values in alternative.lists]
    fixed = sum(map(len, alternative.between))
    limits = [int(of.max()) for of in lengths]
    while fixed + sum(limits) > longest:
        shorter = [int(of[of < limit].max(initial=0)) for of, limit in zip(lengths, limits, strict=True)]
        able = [place for place, limit in enumerate(shorter) if limit]
        if not able:
            return None
        # The list that loses the least of its values.
        most = max(able, key=lambda place: (lengths[place] <= shorter[place]).mean())
        limits[most] = shorter[most]
    kept = (values.filter(pa.array(of <= limit)) for values, of, limit in zip(alternative.lists, lengths, limits, strict=True))
    return alternative._replace(lists=tuple(kept))


@lru_cache(maxsize=64)
def _list(name: str) -> pa.Array:
    if name in _NUMBERS:
        low, high = _NUMBERS[name]
        return pa.array([str(n) for n in range(low, high + 1)])
    if name.startswith("lower_"):
        lower = (value.lower() for value in _list(name.removeprefix("lower_")).to_pylist())
        return pa.array(sorted({value for value in lower if value.isascii() and value.isalpha()}))
    if name == "tld":
        return pa.array(["com", "net", "org"])
    generator = Faker("en_US", use_weighting=False)
    generator.seed_instance(random.Random(derive_seed(0, "list", name)).getrandbits(63))
    make = getattr(generator, _FAKER.get(name, name))
    # Neither "-" nor a space in what is joined by them, or two ways of putting a value together would give the same one.
    joined = name in ("first", "last")
    drawn = sorted({str(make()) for _ in range(DRAWS)})
    return pa.array([value for value in drawn if not joined or not set(value) & set(" -,.")])


def kinds() -> tuple[str, ...]:
    """All kinds that there are recipes for."""
    return tuple(_RECIPES)
