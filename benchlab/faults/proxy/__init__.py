"""A TCP proxy between the run and a service, which makes the faults of a network.

injector.py    the proxies of a run, as its faults ask for them
proxy.py       a proxy: where it listens, its connections, the faults that are on
connection.py  a connection through it: the bytes, back-pressure, half-close
effects.py     a fault: which exchanges it hits, and how long it holds bytes back
serve.py       a proxy without a run
upstream.py    the service: its name, address or socket
"""

from benchlab.faults.proxy.effects import Effect
from benchlab.faults.proxy.injector import ProxyInjector, effect_of
from benchlab.faults.proxy.proxy import Proxy
from benchlab.faults.proxy.upstream import Upstream

__all__ = ["Effect", "Proxy", "ProxyInjector", "Upstream", "effect_of"]
