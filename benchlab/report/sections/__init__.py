"""The sections of reports: a module for each subject, with its templates in templates/sections.

Each function takes what it shows and returns a `Section`, or None where there is nothing to show.
"""
