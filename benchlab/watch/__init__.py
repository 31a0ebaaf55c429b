"""Watch work in progress, from any cell, kernel or terminal: runs that outlive who began them."""

# It cannot be called live: `benchlab.live` is a function.
