"""What the names of tables and columns tell: whether a person is behind them, and what kind of text it is. English names, in any spelling of words."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")


def listed(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_NOISE = listed("dim fact tbl table lookup lkp lu ref reference master data list info record")
_PERSONS = listed(
    "account actor agent applicant artist athlete attendee author beneficiary borrower buyer candidate citizen client clinician clerk contact cosigner "
    "creator customer director doctor donor driver editor employee farmer friend guardian guest holder household individual instructor investor judge "
    "lawyer lead lecturer manager member mentor musician nurse occupant officer owner participant passenger patient payee people person personnel "
    "physician player policyholder practitioner professor profile receiver recipient referee rep representative resident respondent salesman salesperson "
    "seller sender singer spouse staff student subscriber supervisor teacher technician tenant therapist trainer traveler traveller user victim visitor "
    "volunteer voter witness worker writer"
)
_COMPANIES = listed("airline carrier company employer firm manufacturer organisation organization publisher shipper supplier vendor")
_LOOKUPS = listed(
    "airline airport area brand category channel city class classification color colour condition continent country county currency department discipline "
    "district division format genre grade industry kind language level locale market method mode nationality occupation priority province reason region "
    "role sector segment severity size species stage state status subcategory subject tag territory timezone topic type unit zone"
)
_SENSITIVE = listed(
    "biometric birth birthdate birthday birthplace born credential diagnosis disability dob ethnicity gender guid hash imei income insurance licence "
    "license marital nationality passport password plate religion salary secret serial sex signature token uuid vin wage"
)
_TIMES = listed("time timestamp ts date datetime epoch unix moment instant at on since created updated modified utc millis ms")
_SECRETS = listed("biometric guid hash iban imei insurance licence license passport password plate secret signature ssn token uuid vin")
_PERSONAL_KINDS = frozenset({"first_name", "last_name", "name", "user_name", "email", "iban", "ssn", "credit_card_number", "ipv4"})
_CONTACT_KINDS = frozenset({"phone_number", "street_address"})

# Last words of a column's name, most telling first, and the Faker provider whose values are of that kind.
_KINDS = (
    ("email", "email|mail|e mail|email address|mail address"),
    ("ipv4", "ip|ip address|ipaddress"),
    ("url", "url|uri|website|homepage|home page|web site|web page|web address"),
    ("iban", "iban"),
    ("ssn", "ssn|social security number"),
    ("credit_card_number", "credit card|credit card number|creditcard|card number|cardnumber"),
    ("phone_number", "phone|fax|mobile|telephone|tel|cell|cellphone|phone number|fax number|mobile number|telephone number|phonenumber|homephone"),
    ("first_name", "first name|firstname|given name|givenname|forename|fname|middle name"),
    ("last_name", "last name|lastname|family name|familyname|surname|lname|maiden name"),
    ("name", "full name|fullname"),
    ("user_name", "user name|username|login|login name|nickname|nick name|screen name"),
    ("postcode", "postcode|post code|postal code|postalcode|zip|zip code|zipcode"),
    ("street_address", "address|street|street address|address line|streetaddress"),
    ("job", "job|job title|jobtitle|occupation|profession|contact title"),
    ("company", "company|employer|organisation|organization|company name|companyname"),
    ("city", "city|town|city name|cityname|municipality"),
    ("country", "country|country name|countryname"),
    ("language_name", "language|language name"),
    ("state", "province|state name|province name"),  # a plain `state` is as often that of an order
)


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case: `billing_City2` is billing, city, 2."""
    return tuple(word.lower() for word in _WORD.findall(name))


def is_lookup(table: str) -> bool:
    """Whether the last word of a table's name is one for lists of what there is: countries, languages, kinds of something."""
    return _head(table) in _LOOKUPS


def is_person(table: str) -> bool:
    """Whether the last word of a table's name is one for persons."""
    return _head(table) in _PERSONS


def kind_of(column: str, table: str = "") -> str | None:
    """The Faker provider whose values are of the kind that a column's name tells; None where it tells none.

    Args:
        table: a plain `name` is what its table is about, and a `title` in a table of persons is that of a job.
    """
    own = [w for w in words(column) if not w.isdigit()]
    if not own:
        return None
    ends = {" ".join(own[-length:]) for length in (1, 2, 3)}
    about = singular(own[-2]) if len(own) > 1 else _head(table)
    if own[-1] == "title" and len(own) == 1 and about in _PERSONS:
        return "job"
    found = next((provider for provider, names in _KINDS if ends & set(names.split("|"))), None)
    if found is not None or own[-1] != "name":
        return found
    if about in _PERSONS:
        return "name"
    if about in _COMPANIES:
        return "company"
    return {"city": "city", "country": "country", "language": "language_name", "state": "state"}.get(about)


def is_time(column: str) -> bool:
    """Whether a column's name tells of a point in time: what whole numbers there count are seconds, or parts of one."""
    return bool(_TIMES & set(words(column)))


def is_secret(column: str) -> bool:
    """Whether a column's name tells of what stands for one person or opens a door: passports, passwords, plates."""
    return bool(_SECRETS & set(words(column)))


def is_personal_kind(kind: str | None, *, contacts: bool) -> bool:
    """Whether texts of this kind are personal: names and addresses of mail always, telephones and streets where `contacts` are those of persons."""
    return kind in _PERSONAL_KINDS or (contacts and kind in _CONTACT_KINDS)


def is_personal(columns: tuple[str, ...], table: str) -> bool:
    """Whether a table seems to be about persons, by its name and those of its columns. Telephones and addresses of companies are not personal."""
    kinds = {kind_of(column, table) for column in columns}
    sensitive = any(_SENSITIVE & set(words(column)) for column in columns)
    return is_person(table) or sensitive or bool(kinds & _PERSONAL_KINDS) or (bool(kinds & _CONTACT_KINDS) and "company" not in kinds)


def subject(table: str) -> tuple[str, ...]:
    """The words that say what a row of a table is, the last one in the singular: `dim_OrderDetails` is order, detail."""
    own = [w for w in words(table) if w not in _NOISE and not w.isdigit()]
    return (*own[:-1], singular(own[-1])) if own else ()


def _head(table: str) -> str:
    own = subject(table)
    return own[-1] if own else ""


def singular(word: str) -> str:
    """An English word in lower case without the ending of its plural."""
    if word in _PERSONS | _COMPANIES | _LOOKUPS:
        return word
    for end, instead in (("ies", "y"), ("sses", "ss"), ("uses", "us"), ("s", "")):
        if word.endswith(end):
            return word[: -len(end)] + instead
    return word
