"""Requests through httpx: HTTP/2, proxies and custom authentication."""
