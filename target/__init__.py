"""The service under test: vector arithmetic over HTTP, instrumented with OpenTelemetry.

It stands in for a real service when there is none at hand, so it shares nothing with the
code that measures it: this package never imports the library. Start it with

    uvicorn target.app:app

Imports inside the package are relative, so that the same files also work as a subpackage of
another distribution.
"""

__version__ = "0.1.0"
