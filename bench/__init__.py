"""The project's figures, measured and set beside what others reach."""
