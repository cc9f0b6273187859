"""Model files to networks. No importer executes anything from the file it reads."""
