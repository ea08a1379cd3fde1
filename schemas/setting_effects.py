"""What changing a setting does, for the page of settings and for whoever changes one.

A row holds for every key that begins with its prefix; the longest prefix decides. No change sends anything by itself.
"""

from dataclasses import dataclass

from schemas.settings import ConnectionSettings, SettingRow, describe

NEXT_EDIT = "Documents are translated with it from their next edit or `send` on"
TAKEN_IN = "Counts for what is read from now on"


@dataclass(frozen=True, slots=True)
class Effect:
    """What changing keys with a prefix does. `counts` names what a preview counts (`console.actions.effects`)."""

    prefix: str
    does: str
    counts: str = ""


EFFECTS: tuple[Effect, ...] = (
    Effect("data.", f"{TAKEN_IN}; what waits already goes as it was planned", "waiting"),
    Effect("data.files.on_delete", "Has no effect: a file stays in Intacct whatever is set, for a person to decide"),
    *(
        effect
        for kind in ("invoices", "bills", "expenses", "files", "projects")
        for effect in (
            Effect(
                f"data.{kind}.enabled",
                f"{TAKEN_IN}; switched on, what was skipped comes with its next change",
                "switched",
            ),
            Effect(f"data.{kind}.updates", "Counts for edits that are read from now on"),
            Effect(f"data.{kind}.on_delete", "Counts for what is deleted in Scoro from now on"),
        )
    ),
    *(
        Effect(
            f"data.{kind}.bookmark",
            f"{TAKEN_IN}; a document that is outside and stands in Intacct is no longer updated, one that comes in"
            " later is synced, `sync now` takes in what is inside already. Scoro's own integration ignores two filters"
            " of bookmarks, Users and, for invoices, Status: do without them, they may not count here either",
        )
        for kind in ("invoices", "bills", "expenses", "projects")
    ),
    Effect("data.receipts.bookmark", "Counts for receipts that are written from now on; those in Scoro stay"),
    Effect("data.files.bookmark", f"{TAKEN_IN}; files that stand in Intacct stay"),
    Effect("data.receipts.enabled", "Counts from the next pull on"),
    Effect("data.receipts.updates", "Counts from the next pull on; payments of the time between come when asked for"),
    Effect("data.receipts.on_delete", "Counts for payments that are taken back from now on"),
    Effect("data.receipts.start_date", "Counts from the next pull on; receipts that stand in Scoro stay"),
    Effect("data.bills.direction", f"{TAKEN_IN}; bills that stand on both sides stay linked", "waiting"),
    Effect("data.bills.status_filter", "Counts from the next pull on"),
    Effect("defaults.", "Holds for documents that are created from now on; those in Intacct keep their state"),
    Effect("memo.", NEXT_EDIT, "posted"),
    Effect("taxes.", NEXT_EDIT, "posted"),
    Effect("accounts.", NEXT_EDIT, "posted"),
    Effect("accounts.payment_bank", "Holds for receipts that are written from now on"),
    Effect("dimensions.", NEXT_EDIT, "posted"),
    Effect("location", NEXT_EDIT, "posted"),
    Effect("matching.", "Holds for customers and vendors that are met for the first time; links that stand stay"),
    Effect("closed_period", "Holds from the next write on that Intacct refuses for its date"),
    Effect(
        "schedule.",
        "Changes that are captured already keep waiting for a run, the next one of the new schedule",
        "runs",
    ),
    Effect("pull.", "Holds from the next pull on", "pulls"),
    Effect("quick_actions.", "Holds from the next quick action on"),
    Effect("notify.", "Holds from the next mail on"),
    Effect("limits.", "Holds from the next pack on; what waits for a person keeps waiting", "held"),
    Effect("delivery.", "Holds from the next request on"),
    Effect("delivery.max_documents", "Holds from the next request on", "packs"),
    Effect("delivery.max_functions", "Holds from the next request on", "packs"),
)


def effect_of(key: str) -> Effect:
    """The row that holds for a key."""
    return max((effect for effect in EFFECTS if key.startswith(effect.prefix)), key=lambda effect: len(effect.prefix))


def settings_page() -> str:
    """All settings as Markdown: `docs/settings.md`."""
    sections: dict[str, list[SettingRow]] = {}
    for row in describe(ConnectionSettings()):
        parts = row.key.split(".")
        sections.setdefault(".".join(parts[:2]) if parts[0] == "data" else parts[0], []).append(row)
    lines = [
        "# Settings of a connection",
        "",
        "What a person decides about a connection, changed with `scoro-intacct connection set`: all that is named,",
        "or nothing if one value is not allowed. An empty value unsets a key, which then follows the default of the",
        "release. `connection set` says what each change does, and the journal keeps who made it. No change sends",
        "anything by itself: what would come out differently today is listed by `scoro-intacct documents list",
        "--differs`, and goes with the next edit or `send`.",
        "",
        "Generated from `schemas/settings.py` and `schemas/setting_effects.py` by `scripts/settings`.",
    ]
    for title, rows in sections.items():
        lines += ["", f"## {title}", "", "| key | meaning | unset | example | changing it |"]
        lines.append("| --- | --- | --- | --- | --- |")
        for row in rows:
            effect = effect_of(row.key.replace("{", "").replace("}", ""))
            cells = (f"`{row.key}`", row.meaning, f"`{row.default}`" if row.default else "", f"`{row.example}`")
            shown = " | ".join(cell.replace("|", "\\|") for cell in cells)
            lines.append(f"| {shown} | {effect.does}. |")
    return "\n".join(lines) + "\n"
