"""A notebook over a grid of parameters: planned, resumable, a process per point.

grid            what is swept: axes, points, a grid file
planning        the points in order, checked, each with an identity; estimated times
folder          the directory: its lock, and what is finished
process         the process of a point, as the sweep sees it
point_process   that process itself
engine          measure what is not finished
index           sweep.csv and index.html
sweeping        the functions for scripts, notebooks and the command line
"""
