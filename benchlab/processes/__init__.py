"""What a process and whoever started it say to each other, and what processes have in common.

events.py      the lines that it reports
child.py       its end of the pipes, and the commands that it reads
event_loop.py  the event loop of those that must be quick
sockets.py     connected sockets for the event loop
open_files.py  how many files, and so connections, it may have open
"""
