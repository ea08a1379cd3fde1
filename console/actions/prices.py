"""What an action of many documents costs, said before anybody agrees to it: one sentence for all of them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from db import forecast, requests
from db.connections import Connection
from db.database import Database
from db.database import Ledger as Session
from db.forecast import Price


def price(db: Database, connection: Connection, documents: int, *, older: int = 0) -> str:
    """What sending so many documents costs, of which `older` are looked up first, and how far this month reaches."""

    def ask(session: Session) -> tuple[Price, datetime]:
        found = forecast.price(session, connection.id, documents, older=older)
        return found, requests.resumes_at(session, connection.site.id)

    return words(*db.run(ask), connection.site.time_zone)


def words(price: Price, resumes_at: datetime, time_zone: str) -> str:
    """A price as a sentence."""
    looks = f", {price.look_ups:,} of them to look up older documents," if price.look_ups else ""
    sentence = f"at most about {_requests(price.requests)}{looks} of the {price.left:,} left for documents this month"
    if price.affordable:
        return f"{sentence}."
    return f"{sentence}; the rest goes from {resumes_at.astimezone(ZoneInfo(time_zone)).date()} on."


def _requests(number: int) -> str:
    return f"{number:,} request{'' if number == 1 else 's'}"
