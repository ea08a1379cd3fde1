"""One company's state and the steps of a request, without HTTP: read it, count it, run it."""

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from sandbox.intacct import answers
from sandbox.intacct.dispatch import Gateway
from sandbox.intacct.envelope import Control, Envelope, parse, peek_control
from sandbox.intacct.errors import ControlError, line
from sandbox.intacct.faults import Faults
from sandbox.intacct.seed import seed
from sandbox.intacct.settings import Settings
from sandbox.intacct.store import Store


@dataclass(frozen=True)
class Arrival:
    """A request as it came in: its number in the log, its control block, its structure or why it has none."""

    number: int
    xml: str
    functions: tuple[str, ...]
    control: Control | None
    envelope: Envelope | None
    error: ControlError | None


class Service:
    """The stand-in behind its routes; every method may be called from any thread."""

    def __init__(self, path: Path | None) -> None:
        self.store = Store(path)
        self.faults = Faults()
        self._settings_lock = Lock()
        with self.store.transaction():
            stored = self.store.load_settings()
            self._settings = Settings() if stored is None else Settings.model_validate_json(stored)
            if "_recordno" not in self.store.counters():
                seed(self.store, time.time())

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def now_s(self) -> float:
        """Return the company's time, in seconds since the epoch."""
        return time.time() + self.settings.clock_offset_s

    def change_settings(self, changes: dict[str, object]) -> Settings:
        """Change some settings; raises pydantic.ValidationError."""
        with self._settings_lock:
            changed = Settings.model_validate({**self._settings.model_dump(), **changes})
            with self.store.transaction():
                self.store.save_settings(changed.model_dump_json())
            self._settings = changed
        return changed

    def reset(self) -> None:
        """Go back to a new company: records, settings, counters, log, faults."""
        self.faults.clear()
        with self._settings_lock, self.store.transaction():
            self.store.clear()
            self._settings = Settings()
            seed(self.store, time.time())

    def arrive(self, body: bytes, open_requests: int, in_flight: int) -> Arrival:
        """Count a request and keep it word for word, whatever becomes of it."""
        envelope, error = None, None
        try:
            envelope = self._parse(body)
        except ControlError as problem:
            error = problem
        control = peek_control(body) if envelope is None else envelope.control
        functions = () if envelope is None else tuple(call.name for call in envelope.functions)
        xml = body.decode("utf-8", "replace")
        with self.store.transaction():
            self.store.count("requests")
            self.store.count("functions", len(functions))
            self.store.raise_to("max_simultaneous", open_requests)
            self.store.raise_to("max_in_flight", in_flight)
            number = self.store.log_request(xml, list(functions), "received", self.settings)
        return Arrival(number, xml, functions, control, envelope, error)

    def execute(self, arrival: Arrival, endpoint: str) -> bytes:
        """Run a request, commit, and return the answer."""
        gateway = Gateway(self.store, self.settings, self.faults, endpoint, self.now_s())
        error = arrival.error
        with self.store.transaction():
            if arrival.envelope is not None:
                try:
                    with self.store.savepoint():
                        root = gateway.run(arrival.envelope)
                    self.store.set_request_status(arrival.number, "answered")
                    return answers.serialise(root, arrival.control)
                except ControlError as problem:
                    error = problem
            if error is None:
                raise RuntimeError("a request has either a structure or an error")
            self.store.count("requests_rejected")
            self.store.set_request_status(arrival.number, "rejected")
        return answers.serialise(gateway.reject(arrival.control, error), arrival.control)

    def reject(self, arrival: Arrival, kind: str, **placeholders: str) -> bytes:
        """Turn a request away unrun, with an error of the catalogue that the outer gateway would answer with."""
        self.note(arrival, kind)
        gateway = Gateway(self.store, self.settings, self.faults, "", self.now_s())
        return answers.serialise(gateway.reject(None, ControlError(line(kind, **placeholders))), None)

    def note(self, arrival: Arrival, status: str) -> None:
        """Note in counters and log how a request ended where it was not simply answered."""
        with self.store.transaction():
            self.store.count(f"fault.{status}")
            self.store.set_request_status(arrival.number, status)

    def _parse(self, body: bytes) -> Envelope:
        settings = self.settings
        if settings.max_bytes and len(body) > settings.max_bytes:
            raise ControlError(line("schema", detail=f"The request is longer than {settings.max_bytes} bytes."))
        envelope = parse(body)
        if settings.max_functions and len(envelope.functions) > settings.max_functions:
            raise ControlError(line("schema", detail=f"The request has more than {settings.max_functions} functions."))
        return envelope
