"""HTTP/1.1 straight on asyncio: requests encoded beforehand, answers parsed once per shape."""
