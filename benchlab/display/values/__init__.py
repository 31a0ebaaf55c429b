"""How other values than results are shown: each module makes a `ResultView` of a kind of them."""
