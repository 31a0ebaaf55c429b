"""The command line: parse arguments, call the library, print the results.

main.py        the entry point and the list of commands
lazy_group.py  commands that are imported when they are used
exit_codes.py  what every exit code means
options/       options of `benchlab run`, in groups
terminal/      the door to standard output and standard error

Every other module has a command, or a few that belong together.
"""
