"""The checks of every area, and their reports."""
