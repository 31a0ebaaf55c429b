"""Reject queries that reach files or other hosts although the connection is read-only.

On a read-only connection the engine changes nothing and rejects table functions of files and other
hosts. But it still reads whole files by the scalar function ``file``, asks files and hosts for
their columns in a ``DESCRIBE``, writes a result ``INTO OUTFILE`` on the client's side, and executes
``SYSTEM`` and ``KILL``. Which functions a statement names is taken from the engine's own parser,
which formats it: without comments, escapes resolved, in one form, `SHOW` and `APPLY` included.
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

# These generate rows, or read tables of the engine. Any other table function, including those of
# future engines, is assumed to reach a file or a host.
_TABLE_FUNCTIONS = {
    "cluster", "clusterallreplicas", "format", "fuzzjson", "generate_series", "generaterandom",
    "generateseries", "input", "merge", "mergetreeanalyzeindexes", "mergetreeanalyzeindexesuuid",
    "mergetreecodecblockcounts", "mergetreeindex", "mergetreeprojection", "mergetreetextindex",
    "null", "numbers", "numbers_mt", "primes", "sqlstandardvalues", "values", "view",
    "viewexplain", "viewifpermitted", "zeros", "zeros_mt",
}  # fmt: skip
# These read a file, ask another host, or increment a counter in the cluster's keeper. A function
# can be named without a bracket, as in arrayMap(file, …), so a column of such a name must be
# qualified by its table.
_FUNCTIONS = {
    "file", "hascolumnintable", "reversednsquery", "catboostevaluate", "modelevaluate",
    "generateserialid", "aiclassify", "aiembed", "aiextract", "aifilter", "aigenerate",
    "airedact", "aisimilarity", "aitranslate",
}  # fmt: skip

_PARSE = """
SELECT
    formatQuerySingleLine({sql:String}),
    (SELECT groupArray(lower(name)) FROM system.table_functions)
"""

# Tokens of a statement as the engine formats it. A name after a dot is a column, not a function.
_TOKEN = re.compile(
    r"'(?:[^'\\]|\\.)*'"
    r"|\{(?P<parameter>[^}:]+):\s*Identifier\s*\}"
    r"|(?P<dot>\.)?(?:`(?P<quoted>(?:[^`\\]|\\.)*)`|(?P<word>\w+))(?P<call>\()?",
    re.DOTALL,
)


def check(client: Client, statement: str, parameters: dict[str, Any]) -> None:
    """Reject ``statement`` if it names a function of files or hosts, or writes a file.

    Raises:
        InputError: it does; the message names the function.
        ProgrammingError, DatabaseError: it cannot be parsed, or it is more than one statement.
    """
    # As it will be sent: the client itself substitutes `%(name)s`.
    sent = client.create_query_context(statement, parameters=parameters).final_query
    if not isinstance(sent, str):
        raise InputError(
            f"the query has raw bytes as parameters, which cannot be checked: {ALLOW_WRITE}"
        )
    ((text, known),) = client.query(_PARSE, parameters={"sql": sent}).result_rows
    refused = set(known) - _TABLE_FUNCTIONS
    previous = ""
    for name, called in _names(str(text), parameters):
        word = name.lower()
        named = word in _FUNCTIONS and (called or previous != "as")
        if named or (called and word in refused):
            raise InputError(
                f"the query uses {name}, which can reach files or other hosts", remedy=ALLOW_WRITE
            )
        if (previous, word) == ("into", "outfile"):
            raise InputError("the query would write a file (INTO OUTFILE)", remedy=ALLOW_WRITE)
        previous = word


def _names(text: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Every name and keyword of a statement, and whether a bracket follows immediately."""
    for match in _TOKEN.finditer(text):
        if match["parameter"]:
            yield from _names(str(parameters.get(match["parameter"], "")), {})
        elif (match["word"] or match["quoted"]) and not (match["dot"] and not match["call"]):
            yield match["word"] or match["quoted"], bool(match["call"])
