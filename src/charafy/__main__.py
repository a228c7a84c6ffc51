"""`python -m charafy` is the `charafy` command."""

from charafy.cli import main

main()
