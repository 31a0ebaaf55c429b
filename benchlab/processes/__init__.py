"""What a process and whoever started it say to each other.

events.py  the lines that it reports
child.py   its end of the pipes, and the commands that it reads
"""
