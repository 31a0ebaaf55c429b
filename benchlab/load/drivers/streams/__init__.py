"""Read responses as streams: server-sent events, chunks, and checks of them."""
