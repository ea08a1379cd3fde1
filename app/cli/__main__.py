"""`python -m app.cli`, where the console script is not installed."""

from app.cli import main

main()
