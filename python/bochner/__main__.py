"""`python -m bochner` is the command `bochner`."""

from .cli import app

app()
