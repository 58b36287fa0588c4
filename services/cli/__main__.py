"""`python -m services.cli` is `switchboard`, also where no script is installed."""

from services.cli.main import main

main()
