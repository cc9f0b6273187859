"""What every other package of the host side uses: errors, files, cache, progress."""
