"""Telling people: what happened, to which channels, once, and without holding anything up."""
