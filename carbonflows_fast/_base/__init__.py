"""The base of all rooms: arrays, files, threads, progress and words, without tables."""
