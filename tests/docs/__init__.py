"""The documentation: executed, linked, complete; `python -m tests.docs` writes generated parts.

pages.py           the pages, their code blocks and their marked parts
cli_reference.py   the commands' --help → a part of docs/cli.md
layers.py          the import contract → a part of docs/architecture.md
"""
