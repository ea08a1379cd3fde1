"""The command line: `scoro-intacct`.

    common      opening the ledger, finding a connection, files, prices, refusals
    output      JSON, tables, texts from elsewhere
    errors      which errors become one sentence
    processes   up, serve, work, schedule, migrate, sandbox, demo
    sites       site add|list|set
    connecting  connect, connection list|set|go-live|pause|resume|disconnect
    reference   reference list
    sending     send, sync now
    waiting     wait
    documents   documents list|show
    previewing  preview
    failures    failures list|show
    quota       quota show|limit

Exit codes: 0 done, 1 refused with a reason on standard error, 2 bad usage.
"""


def main() -> None:
    """Run the command that the process was started with."""
    from app.cli.root import root

    root()
