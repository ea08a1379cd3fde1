"""Webhooks: who has subscribed, the checks of a URL, and the deliveries.

A delivery is a POST of exactly three keys, `entityId`, `entityType` and `entity` (the whole object as in
`view`, as it was when it changed). Deliveries leave from a few threads over kept-alive connections;
those of one document keep their order unless the settings ask otherwise.
"""

import heapq
import ipaddress
import itertools
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox.scoro.errors import BadRequestError
from sandbox.scoro.lists import bookmark_tests
from sandbox.scoro.modules import MODULES
from sandbox.scoro.site import API_USER_ID, Event, Site
from sandbox.scoro.store import Record

SUBSCRIBABLE = frozenset(
    [
        "bills",
        "calendar",
        "companies",
        "expenses",
        "invoices",
        "orders",
        "persons",
        "prepayments",
        "projects",
        "purchaseOrders",
        "quotes",
        "tasks",
    ]
)
ACTIONS = frozenset({"any", "create", "modify", "delete"})
LANES = 4
PROBE_TIMEOUT_S = 10
RETRY_PAUSE_S = 0.5
STOP_TIMEOUT_S = 2
USER_AGENT = "Scoro webhooks (sandbox)"


def check_subscription(site: Site, given: dict[str, Any], *, by_token: bool) -> None:
    """Refuse what cannot be subscribed to; BadRequestError names the field."""
    if given.get("module") not in SUBSCRIBABLE:
        raise BadRequestError(f"module {given.get('module')!r} has no webhooks", "module")
    if given.get("action", "any") not in ACTIONS:
        raise BadRequestError(f"action {given.get('action')!r} is unknown", "action")
    who = [*given.get("actors", []), *given.get("owners", [])]
    if "me" in who and not by_token:
        raise BadRequestError("me needs a user_token", "actors")
    if given.get("bookmark_id"):
        if not site.settings.bookmark_webhooks:
            raise BadRequestError("bookmark_id is not supported", "bookmark_id")
        if not by_token:
            raise BadRequestError("bookmark_id needs a user_token", "bookmark_id")
        bookmark_tests(site, MODULES[given["module"]], str(given["bookmark_id"]))


def check_url(url: str) -> None:
    """Ask the receiver: HTTP 200 for GET and for an empty POST, and a plain-text /scoro.txt on its host."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        raise BadRequestError("url must be https", "url")
    root = f"{parts.scheme}://{parts.netloc}/scoro.txt"
    with requests.Session() as session:
        session.trust_env = False
        session.headers["User-Agent"] = USER_AGENT
        try:
            probe = {"timeout": PROBE_TIMEOUT_S, "allow_redirects": False}
            answers = [session.get(url, **probe).status_code, session.post(url, data=b"", **probe).status_code]  # type: ignore[arg-type]
            proof = session.get(root, **probe)  # type: ignore[arg-type]
        except requests.RequestException as error:
            raise BadRequestError(f"url could not be reached: {type(error).__name__}", "url") from error
    if answers != [200, 200]:
        raise BadRequestError(f"url must answer 200 to GET and POST, it answered {answers}", "url")
    if proof.status_code != 200 or not proof.headers.get("content-type", "").startswith("text/plain"):
        raise BadRequestError(f"the domain is not verified: {root} is missing", "url")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(order=True)
class _Delivery:
    due: float
    order: int
    event: Event = field(compare=False)
    url: str = field(compare=False)
    tries_left: int = field(compare=False)


class _Lane(threading.Thread):
    """One thread that delivers what is due, in the order of the time at which it is due."""

    def __init__(self, owner: "Webhooks") -> None:
        super().__init__(name="scoro-webhooks", daemon=True)
        self._owner = owner
        self._heap: list[_Delivery] = []
        self._woken = threading.Condition()
        self._stopping = False

    def add(self, delivery: _Delivery) -> None:
        with self._woken:
            heapq.heappush(self._heap, delivery)
            self._woken.notify()

    def clear(self) -> int:
        with self._woken:
            dropped = len(self._heap)
            self._heap.clear()
            return dropped

    def stop(self) -> None:
        with self._woken:
            self._stopping = True
            self._woken.notify()

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.update({"User-Agent": USER_AGENT, "Content-Type": "application/json"})
            while (delivery := self._next()) is not None:
                self._owner.deliver(session, delivery, self)

    def _next(self) -> _Delivery | None:
        with self._woken:
            while not self._stopping:
                if not self._heap:
                    self._woken.wait()
                    continue
                wait_s = self._heap[0].due - time.monotonic()
                if wait_s <= 0:
                    return heapq.heappop(self._heap)
                self._woken.wait(wait_s)
        return None


class Webhooks:
    """Takes events in and delivers them to the subscribers."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._pending = 0
        self._random = random.Random(site.settings.webhook_seed)
        self._seed = site.settings.webhook_seed
        self._lanes: list[_Lane] = []
        self._subscriptions: list[Record] | None = None
        self.counts: Counter[str] = Counter()

    def forget_subscriptions(self) -> None:
        """Read the subscriptions anew."""
        with self._lock:
            self._subscriptions = None

    def reset(self) -> None:
        """Forget subscriptions read, deliveries that wait and deliveries counted."""
        with self._lock:
            self._subscriptions = None
            self._pending -= sum(lane.clear() for lane in self._lanes)
            self.counts.clear()

    def idle(self) -> dict[str, Any]:
        """Say whether all deliveries are done, and how they ended."""
        with self._lock:
            return {"idle": self._pending == 0, "pending": self._pending, **self._counted()}

    def counted(self) -> dict[str, int]:
        """Return deliveries sent, answered 200, failed, lost and repeated."""
        with self._lock:
            return self._counted()

    def _counted(self) -> dict[str, int]:
        return {name: self.counts[name] for name in ("sent", "ok", "failed", "lost", "repeated")}

    def close(self) -> None:
        """Stop delivering."""
        for lane in self._lanes:
            lane.stop()
        for lane in self._lanes:
            lane.join(STOP_TIMEOUT_S)

    def tell(self, event: Event) -> None:
        """Queue a delivery for every subscription that wants this event."""
        settings = self._site.settings
        if settings.webhooks_off or (event.actor.by_api and not settings.own_writes_fire_webhooks):
            return
        for subscription in self._read_subscriptions():
            if wants(subscription, event) and self._holds(subscription, event):
                self._queue(event, str(subscription.head["url"]))

    def _holds(self, subscription: Record, event: Event) -> bool:
        """Whether the bookmark of a subscription, if it has one, holds the record as it is after the event."""
        bookmark_id = subscription.head.get("bookmark_id")
        if not bookmark_id:
            return True
        try:
            tests = bookmark_tests(self._site, event.module, str(bookmark_id))
        except BadRequestError:
            return False
        return all(test(event.record) for test in tests)

    def _read_subscriptions(self) -> list[Record]:
        with self._lock:
            known = self._subscriptions
        if known is None:
            with self._site.store.lock:
                known = list(self._site.store.select("webhooks"))
            with self._lock:
                self._subscriptions = known
        return known

    def _queue(self, event: Event, url: str) -> None:
        settings = self._site.settings
        with self._lock:
            if self._seed != settings.webhook_seed:
                self._seed = settings.webhook_seed
                self._random = random.Random(self._seed)
            if self._random.random() < settings.webhook_lost:
                self.counts["lost"] += 1
                return
            times = 1 + (self._random.random() < settings.webhook_repeated)
            self.counts["repeated"] += times - 1
            self._pending += times
            if not self._lanes:
                self._lanes = [_Lane(self) for _ in range(LANES)]
                for lane in self._lanes:
                    lane.start()
            for _ in range(times):
                wait_ms = settings.webhook_delay_ms + self._random.random() * settings.webhook_reorder_ms
                due = time.monotonic() + wait_ms / 1000 if wait_ms else 0.0
                self._lanes[event.record.id % LANES].add(
                    _Delivery(due, next(self._order), event, url, settings.webhook_retries)
                )

    def deliver(self, session: requests.Session, delivery: _Delivery, lane: _Lane) -> None:
        """Send one delivery and count how it ended."""
        body = json.dumps(payload(self._site, delivery.event), ensure_ascii=False).encode("utf-8", "replace")
        try:
            timeout_s = self._site.settings.webhook_timeout_s
            answer = session.post(delivery.url, data=body, timeout=timeout_s, allow_redirects=False)
            taken = answer.status_code == 200
        except requests.RequestException:
            taken = False
        with self._lock:
            self.counts["sent"] += 1
            self.counts["ok" if taken else "failed"] += 1
            if taken or not delivery.tries_left:
                self._pending -= 1
                return
        delivery.tries_left -= 1
        delivery.due = time.monotonic() + RETRY_PAUSE_S
        lane.add(delivery)


def payload(site: Site, event: Event) -> dict[str, Any]:
    """Return the body of a delivery: three keys, no action, no id of its own, no signature."""
    return {
        "entityId": event.record.id,
        "entityType": event.module.entity_type,
        "entity": site.wire.full(event.module, event.record),
    }


def wants(subscription: Record, event: Event) -> bool:
    """Whether a subscription asks for an event: module, entity, action, changed fields, actors, owners."""
    head = subscription.head
    if not head.get("status", 1) or head["module"] != event.module.name:
        return False
    if head.get("action", "any") not in ("any", event.action):
        return False
    if MODULES[event.module.name].per_entity and subscription.entity != event.record.entity:
        return False
    fields = head.get("fields", [])
    if fields and event.action == "modify" and not event.changed.intersection(fields):
        return False
    owner = event.record.head.get("owner_id", 1)
    return _names(head.get("actors"), event.actor.user_id) and _names(head.get("owners"), owner)


def _names(asked: list[Any] | None, user_id: int) -> bool:
    names = {str(API_USER_ID) if item == "me" else str(item) for item in asked or ["any"]}
    return "any" in names or str(user_id) in names
