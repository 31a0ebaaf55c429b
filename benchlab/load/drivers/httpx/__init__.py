"""Send requests through httpx, which supports HTTP/2."""
