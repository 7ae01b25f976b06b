"""Schemas after well-known public ones, written from memory after the rules were made, with values made up: names, sizes and traps are theirs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from made_up_schemas import MadeUp, _maybe, _rng


def forum() -> MadeUp:
    """Posts with owners, parents and accepted answers, types without a table, votes and badges."""
    rng, users, posts = _rng(21), 400, 3000
    ids = np.sort(rng.permutation(5000)[:users]) + 1
    made = MadeUp().table(
        "Users",
        "Id",
        "",
        Id=ids,
        DisplayName=[f"name {i}" for i in ids],
        Reputation=rng.integers(1, 9000, users),
        Views=rng.integers(0, 300, users),
        UpVotes=rng.integers(0, 900, users),
    )
    numbers = np.sort(rng.permutation(20000)[:posts]) + 1
    made.table(
        "Posts",
        "Id",
        "OwnerUserId -> Users(Id); LastEditorUserId -> Users(Id); ParentId -> Posts(Id); AcceptedAnswerId -> Posts(Id)",
        Id=numbers,
        PostTypeId=rng.integers(1, 3, posts),
        AcceptedAnswerId=_maybe(rng, rng.choice(numbers, posts), 0.8),
        ParentId=_maybe(rng, rng.choice(numbers, posts), 0.5),
        Score=rng.integers(-5, 90, posts),
        ViewCount=rng.integers(0, 9000, posts),
        OwnerUserId=_maybe(rng, rng.choice(ids, posts), 0.05),
        LastEditorUserId=_maybe(rng, rng.choice(ids, posts), 0.6),
        AnswerCount=rng.integers(0, 9, posts),
    )
    made.table(
        "Comments",
        "Id",
        "PostId -> Posts(Id); UserId -> Users(Id)",
        Id=np.arange(1, 5001),
        PostId=rng.choice(numbers, 5000),
        Score=rng.integers(0, 9, 5000),
        UserId=rng.choice(ids, 5000),
    )
    made.table(
        "Badges",
        "Id",
        "UserId -> Users(Id)",
        Id=np.arange(1, 1501),
        UserId=rng.choice(ids, 1500),
        Name=rng.choice(["Editor", "Critic", "Scholar"], 1500),
        Class=rng.integers(1, 4, 1500),
    )
    return made.table("Votes", "Id", "PostId -> Posts(Id)", Id=np.arange(1, 6001), PostId=rng.choice(numbers, 6000), VoteTypeId=rng.integers(1, 12, 6000))


def racing() -> MadeUp:
    """Everything counts from 1, keys are camel case after the singular, results have places and points."""
    rng = _rng(22)
    made = MadeUp().table(
        "circuits",
        "circuitId",
        "",
        circuitId=np.arange(1, 31),
        circuitRef=[f"circuit_{i}" for i in range(30)],
        name=[f"Circuit {i}" for i in range(30)],
        alt=rng.integers(0, 800, 30),
    )
    made.table(
        "drivers",
        "driverId",
        "",
        driverId=np.arange(1, 201),
        driverRef=[f"driver{i}" for i in range(200)],
        number=_maybe(rng, rng.integers(1, 99, 200), 0.5),
        forename=rng.choice(["Al", "Bo", "Cy"], 200),
        surname=[f"Sur{i}" for i in range(200)],
    )
    made.table(
        "constructors",
        "constructorId",
        "",
        constructorId=np.arange(1, 61),
        constructorRef=[f"team{i}" for i in range(60)],
        name=[f"Team {i}" for i in range(60)],
    )
    year = np.repeat(np.arange(1990, 2020), 16)
    made.table(
        "races",
        "raceId",
        "circuitId -> circuits(circuitId); year -> seasons(year)",
        raceId=np.arange(1, 481),
        year=year,
        round=np.tile(np.arange(1, 17), 30),
        circuitId=rng.integers(1, 31, 480),
    )
    made.table("seasons", "year", "", year=np.arange(1985, 2022), url=[f"http://x/{i}" for i in range(37)])
    made.table("status", "statusId", "", statusId=np.arange(1, 100), status=[f"status {i}" for i in range(99)])
    race, driver = np.repeat(np.arange(1, 481), 20), np.concatenate([rng.permutation(200)[:20] + 1 for _ in range(480)])
    made.table(
        "results",
        "resultId",
        "raceId -> races(raceId); driverId -> drivers(driverId); constructorId -> constructors(constructorId); statusId -> status(statusId)",
        resultId=np.arange(1, 9601),
        raceId=race,
        driverId=driver,
        constructorId=rng.integers(1, 61, 9600),
        grid=rng.integers(0, 25, 9600),
        positionOrder=np.tile(np.arange(1, 21), 480),
        laps=rng.integers(0, 79, 9600),
        statusId=rng.integers(1, 100, 9600),
    )
    made.table(
        "lapTimes",
        "raceId, driverId, lap",
        "raceId -> races(raceId); driverId -> drivers(driverId)",
        raceId=np.repeat(race[:400], 10),
        driverId=np.repeat(driver[:400], 10),
        lap=np.tile(np.arange(1, 11), 400),
        milliseconds=rng.integers(80000, 120000, 4000),
    )
    return made


def films() -> MadeUp:
    """Opaque names of keys (tconst, nconst), text keys with letters, a table that extends another, roles in order."""
    rng = _rng(23)
    titles = np.array([f"tt{i:07d}" for i in np.sort(rng.permutation(90000)[:1200])])
    people = np.array([f"nm{i:07d}" for i in np.sort(rng.permutation(90000)[:700])])
    made = MadeUp().table(
        "title_basics",
        "tconst",
        "",
        tconst=titles,
        titleType=rng.choice(["movie", "short", "tvEpisode"], 1200),
        startYear=rng.integers(1950, 2023, 1200),
        runtimeMinutes=rng.integers(5, 200, 1200),
    )
    made.table("name_basics", "nconst", "", nconst=people, primaryName=[f"Name {i}" for i in range(700)], birthYear=rng.integers(1900, 2000, 700))
    made.table(
        "title_ratings",
        "tconst",
        "tconst -> title_basics(tconst)",
        tconst=titles[::2],
        averageRating=rng.normal(size=600),
        numVotes=rng.integers(5, 90000, 600),
    )
    made.table(
        "title_episode",
        "tconst",
        "tconst -> title_basics(tconst); parentTconst -> title_basics(tconst)",
        tconst=titles[1::3],
        parentTconst=rng.choice(titles[:50], 400),
        seasonNumber=rng.integers(1, 9, 400),
        episodeNumber=rng.integers(1, 24, 400),
    )
    rows = np.repeat(titles, 3)
    made.table(
        "title_principals",
        "tconst, ordering",
        "tconst -> title_basics(tconst); nconst -> name_basics(nconst)",
        tconst=rows,
        ordering=np.tile([1, 2, 3], 1200),
        nconst=rng.choice(people, 3600),
        category=rng.choice(["actor", "director", "writer"], 3600),
    )
    return made


def market() -> MadeUp:
    """Hashes as keys, a customer per order, sellers, a translation of categories by their names, places with repeats."""
    rng = _rng(24)

    def hashes(n: int) -> np.ndarray:
        return np.array([rng.bytes(16).hex() for _ in range(n)])

    customers, sellers, products, orders = hashes(1500), hashes(60), hashes(300), hashes(1500)
    names = np.array([f"categoria_{i}" for i in range(40)])
    zips = rng.integers(10000, 10400, 900)
    made = MadeUp().table(
        "customers",
        "customer_id",
        "",
        customer_id=customers,
        customer_unique_id=rng.choice(hashes(1400), 1500),
        customer_zip_code_prefix=rng.choice(zips, 1500),
        customer_city=rng.choice(["sp", "rio"], 1500),
    )
    made.table("sellers", "seller_id", "", seller_id=sellers, seller_zip_code_prefix=rng.choice(zips, 60), seller_state=rng.choice(["SP", "RJ"], 60))
    made.table(
        "category_translation", "product_category_name", "", product_category_name=names, product_category_name_english=[f"category_{i}" for i in range(40)]
    )
    made.table(
        "products",
        "product_id",
        "product_category_name -> category_translation(product_category_name)",
        product_id=products,
        product_category_name=pd.Series(rng.choice(names, 300)).mask(rng.random(300) < 0.05),
        product_photos_qty=rng.integers(1, 9, 300),
        product_weight_g=rng.integers(50, 9000, 300),
    )
    made.table(
        "orders",
        "order_id",
        "customer_id -> customers(customer_id)",
        order_id=orders,
        customer_id=customers[rng.permutation(1500)],
        order_status=rng.choice(["delivered", "shipped"], 1500),
    )
    per = rng.integers(1, 4, 1500)
    made.table(
        "order_items",
        "order_id, order_item_id",
        "order_id -> orders(order_id); product_id -> products(product_id); seller_id -> sellers(seller_id)",
        order_id=np.repeat(orders, per),
        order_item_id=np.concatenate([np.arange(1, k + 1) for k in per]),
        product_id=rng.choice(products, per.sum()),
        seller_id=rng.choice(sellers, per.sum()),
        price=rng.gamma(2, 9, per.sum()),
    )
    made.table(
        "order_payments",
        "order_id, payment_sequential",
        "order_id -> orders(order_id)",
        order_id=np.concatenate([orders, orders[:100]]),
        payment_sequential=np.concatenate([np.ones(1500, dtype=int), np.full(100, 2)]),
        payment_installments=rng.integers(1, 11, 1600),
    )
    return made.table("geolocation", None, "", zip_code_prefix=zips, lat=rng.normal(size=900), lng=rng.normal(size=900), city=rng.choice(["sp", "rio"], 900))


def hospital() -> MadeUp:
    """Upper case, row numbers beside the keys, items by code, events without a key."""
    rng = _rng(25)
    subjects, stays = np.sort(rng.permutation(90000)[:300]) + 10000, np.sort(rng.permutation(90000)[:500]) + 100000
    subject = rng.choice(subjects, 500)
    items = np.sort(rng.permutation(2000)[:80]) + 50800
    made = MadeUp().table(
        "PATIENTS", "SUBJECT_ID", "", ROW_ID=np.arange(1, 301), SUBJECT_ID=subjects, GENDER=rng.choice(["F", "M"], 300), EXPIRE_FLAG=rng.integers(0, 2, 300)
    )
    made.table(
        "ADMISSIONS",
        "HADM_ID",
        "SUBJECT_ID -> PATIENTS(SUBJECT_ID)",
        ROW_ID=np.arange(1, 501),
        SUBJECT_ID=subject,
        HADM_ID=stays,
        ETHNICITY=rng.choice(["A", "B"], 500),
        HAS_CHART=rng.integers(0, 2, 500),
    )
    made.table(
        "D_LABITEMS", "ITEMID", "", ROW_ID=np.arange(1, 81), ITEMID=items, LABEL=[f"Label {i}" for i in range(80)], FLUID=rng.choice(["Blood", "Urine"], 80)
    )
    pick = rng.integers(0, 500, 4000)
    made.table(
        "LABEVENTS",
        "ROW_ID",
        "SUBJECT_ID -> PATIENTS(SUBJECT_ID); HADM_ID -> ADMISSIONS(HADM_ID); ITEMID -> D_LABITEMS(ITEMID)",
        ROW_ID=np.arange(1, 4001),
        SUBJECT_ID=subject[pick],
        HADM_ID=pd.Series(stays[pick], dtype="Int64").mask(rng.random(4000) < 0.2),
        ITEMID=rng.choice(items, 4000),
        VALUENUM=rng.normal(size=4000),
    )
    return made


def customers_of_a_vendor() -> MadeUp:
    """Keys of one form in all tables, owners and creators, contacts that report to contacts."""
    rng = _rng(33)

    def ids(prefix: str, n: int) -> np.ndarray:
        return np.array([prefix + "".join(rng.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"), 12)) for _ in range(n)])

    users, accounts, contacts, deals = ids("005", 40), ids("001", 300), ids("003", 600), ids("006", 900)
    boss = pd.Series(rng.choice(users[:5], 40)).mask(rng.random(40) < 0.2)
    made = MadeUp().table("User", "Id", "ManagerId -> User(Id)", Id=users, ManagerId=boss, Alias=[f"al{i}" for i in range(40)])
    made.table(
        "Account",
        "Id",
        "OwnerId -> User(Id); ParentId -> Account(Id)",
        Id=accounts,
        OwnerId=rng.choice(users, 300),
        ParentId=pd.Series(rng.choice(accounts, 300)).mask(rng.random(300) < 0.7),
        Industry=rng.choice(["x", "y"], 300),
    )
    made.table(
        "Contact",
        "Id",
        "AccountId -> Account(Id); OwnerId -> User(Id); ReportsToId -> Contact(Id)",
        Id=contacts,
        AccountId=rng.choice(accounts, 600),
        OwnerId=rng.choice(users, 600),
        ReportsToId=pd.Series(rng.choice(contacts, 600)).mask(rng.random(600) < 0.8),
    )
    made.table(
        "Opportunity",
        "Id",
        "AccountId -> Account(Id); OwnerId -> User(Id); CreatedById -> User(Id)",
        Id=deals,
        AccountId=rng.choice(accounts, 900),
        OwnerId=rng.choice(users, 900),
        CreatedById=rng.choice(users, 900),
        Probability=rng.integers(0, 101, 900),
    )
    keys = "OpportunityId -> Opportunity(Id); ContactId -> Contact(Id)"
    roles = {"OpportunityId": rng.choice(deals, 700), "ContactId": rng.choice(contacts, 700), "IsPrimary": rng.random(700) < 0.3}
    return made.table("OpportunityContactRole", "Id", keys, Id=ids("00K", 700), **roles)


def cryptic() -> MadeUp:
    """Names that are letters, numbers as text, a client in each row."""
    rng = _rng(34)
    buyers = np.array([f"{i:010d}" for i in rng.permutation(10**6)[:200]])
    orders = np.array([f"{i:010d}" for i in rng.permutation(10**6)[:800] + 5 * 10**6])
    parts = np.array([f"M-{i:03d}" for i in range(90)])
    made = MadeUp().table("KNA1", "KUNNR", "", MANDT=["100"] * 200, KUNNR=buyers, LAND1=rng.choice(["DE", "FR"], 200))
    made.table("VBAK", "VBELN", "KUNNR -> KNA1(KUNNR)", MANDT=["100"] * 800, VBELN=orders, KUNNR=rng.choice(buyers, 800), AUART=rng.choice(["TA", "RE"], 800))
    made.table("MARA", "MATNR", "", MANDT=["100"] * 90, MATNR=parts, MTART=rng.choice(["FERT", "HALB"], 90))
    lines = {"VBELN": np.repeat(orders, 2), "POSNR": np.tile(["000010", "000020"], 800), "MATNR": rng.choice(parts, 1600), "KWMENG": rng.integers(1, 50, 1600)}
    return made.table("VBAP", "VBELN, POSNR", "VBELN -> VBAK(VBELN); MATNR -> MARA(MATNR)", MANDT=["100"] * 1600, **lines)


KNOWN = {f.__name__: f for f in (forum, racing, films, market, hospital, customers_of_a_vendor, cryptic)}
