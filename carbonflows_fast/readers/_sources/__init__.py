"""What lies at a path: files, folders, zips, and which format they are."""
