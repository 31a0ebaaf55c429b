"""How results are shown: a module per kind of result, which turns it into a `ResultView`."""
