"""Work in progress, for people: `LiveView` says what is shown, and renderers in which form."""

from benchlab.display.live.html import live_html
from benchlab.display.live.live_view import LiveView
from benchlab.display.live.svg import live_svg
from benchlab.display.live.text import live_line, live_markdown, live_text

__all__ = ["LiveView", "live_html", "live_line", "live_markdown", "live_svg", "live_text"]
