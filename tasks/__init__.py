"""The work, one step per file: plain typed functions, runnable and testable with no server."""
