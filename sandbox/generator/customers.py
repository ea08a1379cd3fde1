"""Customers and their contact persons, as the objects that `contacts/modify` takes."""

from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.generator import words

FIRST_ODD = 3
ODD_EVERY = 4
TWIN_EVERY = 9


@dataclass(frozen=True)
class Customer:
    """A company with the persons one writes to there."""

    company: dict[str, Any]
    persons: tuple[dict[str, Any], ...]


def customer(seed: str, ordinal: int, *, nameless: bool = False) -> Customer:
    """Make the customer of an ordinal (from 0); equal seeds make equal customers.

    Every ninth shares its name with the one before it and differs in `id_code`; every fourth has a name
    that breaks careless code.
    """
    random = Random(f"customer {seed} {ordinal}")
    named = ordinal - 1 if ordinal % TWIN_EVERY == TWIN_EVERY - 1 else ordinal
    name = "" if nameless else _name(seed, named)
    domain = f"customer{ordinal + 1}.example"
    town, county, zipcode = random.choice(words.TOWNS)
    company = {
        "name": name,
        "contact_type": "company",
        "id_code": f"{random.randrange(100_000, 999_999)}{ordinal % 100:02d}",
        "vatno": f"GB{random.randrange(100_000_000, 999_999_999)}",
        "is_client": 1,
        "reference_no": "",
        "addresses": [
            {
                "country": "gbr",
                "county": county,
                "municipality": "",
                "city": town,
                "street": f"{random.randrange(1, 200)} {random.choice(words.STREETS)}",
                "zipcode": zipcode,
            }
        ],
        "means_of_contact": {"email": [f"accounts@{domain}"], "phone": ["+44 20 7946 0000"]} if ordinal % 3 else {},
    }
    return Customer(company, tuple(_person(random, name, domain) for _ in range(random.choice((0, 1, 1, 2)))))


def _name(seed: str, ordinal: int) -> str:
    if ordinal % ODD_EVERY == FIRST_ODD:
        odd = words.ODD_NAMES[ordinal // ODD_EVERY % len(words.ODD_NAMES)]
        again = ordinal // ODD_EVERY // len(words.ODD_NAMES)
        return f"{odd} {again + 1}" if again else odd
    random = Random(f"name {seed} {ordinal}")
    return f"{random.choice(words.HEADS)} {random.choice(words.TAILS)} {random.choice(words.FORMS)}"


def _person(random: Random, company: str, domain: str) -> dict[str, Any]:
    first, last = random.choice(words.FIRST_NAMES), random.choice(words.LAST_NAMES)
    return {
        "name": first,
        "lastname": last,
        "contact_type": "person",
        "position": random.choice(("Finance director", "Accounts payable", "Owner")),
        "means_of_contact": {"email": [f"contact{random.randrange(1000)}@{domain}"]},
        "related_companies": [{"related_company_name": company}],
    }
