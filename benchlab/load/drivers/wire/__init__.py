"""HTTP/1.1 straight on asyncio: requests encoded beforehand, responses parsed once per head."""
