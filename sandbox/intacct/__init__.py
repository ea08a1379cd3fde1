"""A stand-in for the Sage Intacct XML gateway: strict, stateful, with faults to switch on.

`POST /ia/xml/xmlgw.phtml` answers requests of DTD version 3.0 for one multi-entity company with VAT, whose
credentials and books are those of `sandbox.fixtures`. Where the vendor's documentation leaves something open, a
setting decides.

Control surface (JSON, loopback only):

  GET    /_sandbox/settings                       every switch with its value and meaning; POST changes some
  POST   /_sandbox/faults                         switch a fault on (`faults.py` lists them); GET, DELETE
  GET    /_sandbox/counters                       requests, functions, documents written, most at once, replays
  GET    /_sandbox/requests?since=N               the requests word for word, as kept
  GET    /_sandbox/records/{OBJECT}               all records, documents with LINES, payments with DETAILS
  GET    /_sandbox/totals                         posted invoices per currency: count, net, tax, gross
  POST   /_sandbox/edit/{OBJECT}/{RECORDNO}       {"fields": {…}, "lines": [{"LINE_NO": "1", …}]}, as a person would
  POST   /_sandbox/delete/{OBJECT}/{RECORDNO}     as a person would
  POST   /_sandbox/pay                            {"object": "ARPYMT", "documents": [{"recordno", "amount"}]}
  POST   /_sandbox/reset                          a new company
"""

from sandbox.intacct.app import GATEWAY_PATH, create_app

__all__ = ["GATEWAY_PATH", "create_app"]
