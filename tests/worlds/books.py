"""What people at the keyboards of Intacct do to the books of a world, through the gateway as other programs do."""

import uuid
from typing import Any

from app.wiring import using
from schemas.intacct.functions import Function, create
from tests.worlds.world import World
from workers.runtime import login_of

STANDARD = "UK Sale Goods Standard Rate"


def run(world: World, function: Function) -> str:
    """Run a function that must succeed; returns its key."""
    with using(world.settings, world.ledger) as runtime:
        answer = runtime.gateway.send(
            login_of(world.connection), [(str(uuid.uuid4()), function)], unique=False, deadline_s=20
        )
    (result,) = answer.results.values()
    assert result.succeeded, result.errors
    return result.key or ""


def customer(world: World, customer_id: str, name: str) -> None:
    """Make a customer."""
    contact = {"PRINTAS": name, "CONTACTNAME": f"{name} ({customer_id})"}
    run(world, create("CUSTOMER", {"CUSTOMERID": customer_id, "NAME": name, "DISPLAYCONTACT": contact}))


def invoice(world: World, number: str, customer_id: str, *nets: str, day: str = "2026-03-02") -> str:
    """Book an invoice with a line for each net amount, at the standard rate; returns its RECORDNO."""
    lines: list[Any] = [
        {
            "glaccountno": "4000",
            "amount": net,
            "memo": "By hand",
            "locationid": "UK",
            "taxentries": {"taxentry": [{"detailid": STANDARD, "trx_tax": str(round(float(net) / 5, 2))}]},
        }
        for net in nets
    ]
    body: dict[str, Any] = {
        "customerid": customer_id,
        "datecreated": day,
        "datedue": day,
        "invoiceno": number,
        "invoiceitems": {"lineitem": lines},
    }
    return run(world, Function(name="create_invoice", body=body))
