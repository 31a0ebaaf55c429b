"""The HTTP client of scenarios: httpx's names and meaning, on HTTP/1.1 connections of our own."""
