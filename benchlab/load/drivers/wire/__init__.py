"""HTTP/1.1 directly on asyncio: requests are encoded in advance, response heads cached."""
