"""The ground: arrays, files, threads, progress and words. Nothing here knows a table."""
