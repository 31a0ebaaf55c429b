"""The service under test: vector arithmetic over HTTP, instrumented with OpenTelemetry.

It replaces a real service when there is none, so it shares no code with the load generator: this
package never imports the library. Start it with

    uvicorn target.app:app

Imports inside the package are relative, so that the same files also work as a subpackage.
"""

__version__ = "0.1.0"
