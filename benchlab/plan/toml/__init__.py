"""A plan as TOML, to be written by hand and put under version control.

Keys are the parameters of `Plan`, `Request`, the load shapes and the other parts of a plan. In
addition, a duration is a number of seconds or text such as ``"30s"`` (and its key at the top may
leave out the ``_s``), ``headers`` are a table, a body may come from ``body_file``, the rows of
``data`` from ``file``, a gRPC call is named by ``grpc`` or its ``url``, recorded arrivals come
from ``offsets_file``, and whole recorded requests from the ``file`` of ``[recorded]``, whose other
keys are the parameters of `Recording.from_access_log` and `Recording.plan`; ``part`` is the window
of `Recording.window`.

`benchlab.plan.files.plan` opens the files.
"""

from benchlab.plan.toml.place import Place
from benchlab.plan.toml.reader import Files, draft_from_toml
from benchlab.plan.toml.writer import plan_to_toml

__all__ = ["Files", "Place", "draft_from_toml", "plan_to_toml"]
