"""A table of stored runs in a notebook, to filter and to choose from."""

from benchlab.watch.pick.renderer import PICKER

__all__ = ["PICKER"]
