"""Lists as files: rows read page by page and sent as they come, so a million need no more memory than a hundred, and nobody's
connection to the database waits for a slow phone. No pages: see controllers.dashboard.exports."""
