"""The demo zoo: real networks, real pictures and real words, from installed packages alone."""
