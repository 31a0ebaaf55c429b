"""What a query that may only read is refused beyond what the engine refuses by itself.

A read-only connection changes nothing and reads from no table function of a file or another host.
Even so the engine reads whole files by the scalar function ``file``, asks files and hosts for their
columns in a ``DESCRIBE``, writes a result ``INTO OUTFILE`` on the client's side, and carries out
``SYSTEM`` and ``KILL``. The engine's own parser says which functions a statement names, by writing
it anew: comments gone, escapes resolved, one form for everything, `SHOW` and `APPLY` included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["ALLOW_WRITE", "check"]

ALLOW_WRITE = "allow it with --write (write=True)"

# These make rows themselves, or look at tables of the engine. A function of the table that is not
# among them, and those that an engine of tomorrow has, are taken for one of a file or a host.
_TABLE_FUNCTIONS = {
    "cluster", "clusterallreplicas", "format", "fuzzjson", "generate_series", "generaterandom",
    "generateseries", "input", "merge", "mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid",
    "mergetreecodecblockcounts", "mergetreeindex", "mergetreeprojection", "mergetreetextindex",
    "null", "numbers", "numbers_mt", "primes", "sqlstandardvalues", "values", "view",
    "viewexplain", "viewifpermitted", "zeros", "zeros_mt",
}  # fmt: skip
# These read a file, ask another host, or count up in the cluster's keeper. A function can be named
# without a bracket, as in arrayMap(file, …), so a column of such a name needs that of
# its table before it.
_FUNCTIONS = {
    "file", "hascolumnintable", "reversednsquery", "catboostevaluate", "modelevaluate",
    "generateserialid", "aiclassify", "aiembed", "aiextract", "aifilter", "aigenerate",
    "airedact", "aisimilarity", "aitranslate",
}  # fmt: skip

_ASK = """
SELECT
    formatQuerySingleLine({sql:String}),
    (SELECT groupArray(lower(name)) FROM system.table_functions)
"""

# Of a statement as the engine writes it. A part after a dot is a column, not a function.
_TOKEN = re.compile(
    r"'(?:[^'\\]|\\.)*'"
    r"|\{(?P<parameter>[^}:]+):\s*Identifier\s*\}"
    r"|(?P<dot>\.)?(?:`(?P<quoted>(?:[^`\\]|\\.)*)`|(?P<word>\w+))(?P<call>\()?",
    re.DOTALL,
)


def check(client: Client, statement: str, parameters: dict[str, Any]) -> None:
    """Let ``statement`` pass if it names no function of files or hosts and writes no file.

    Raises:
        InputError: it does; the message names the function.
        ProgrammingError, DatabaseError: it cannot be parsed, or it is more than one statement.
    """
    # As it will be sent, with what the client itself puts in for `%(name)s`.
    sent = client.create_query_context(statement, parameters=parameters).final_query
    if not isinstance(sent, str):
        raise InputError(f"the query has parameters of raw bytes, which is not read: {ALLOW_WRITE}")
    ((text, known),) = client.query(_ASK, parameters={"sql": sent}).result_rows
    refused = set(known) - _TABLE_FUNCTIONS
    previous = ""
    for name, called in _names(str(text), parameters):
        word = name.lower()
        named = word in _FUNCTIONS and (called or previous != "as")
        if named or (called and word in refused):
            raise InputError(
                f"the query uses {name}, which can reach files or other hosts: {ALLOW_WRITE}"
            )
        if (previous, word) == ("into", "outfile"):
            raise InputError(f"the query would write a file (INTO OUTFILE): {ALLOW_WRITE}")
        previous = word


def _names(text: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Every name and keyword of a statement, and whether a bracket follows at once."""
    for found in _TOKEN.finditer(text):
        if found["parameter"]:
            yield from _names(str(parameters.get(found["parameter"], "")), {})
        elif (found["word"] or found["quoted"]) and not (found["dot"] and not found["call"]):
            yield found["word"] or found["quoted"], bool(found["call"])
