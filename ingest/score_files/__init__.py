"""Files of benchmark scores from outside: one small reader for each format, and one way into the registry."""
