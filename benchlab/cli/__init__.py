"""The command line: arguments in, library calls, words and tables out."""
