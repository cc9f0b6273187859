"""What every part of the host side stands on: errors, files, cache, progress."""
