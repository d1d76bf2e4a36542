"""WIOD, releases 2013 and 2016."""
