"""Blind trials of the diagnosis: one cause in a real service, and does it get named?"""
