"""Traffic that was recorded: access logs, HAR files and tables, read to be sent again."""

from benchlab.plan.recording.recording import Recording

__all__ = ["Recording"]
