"""`python -m cavewall` is the same as `cavewall`."""

from __future__ import annotations

from cavewall.cli import main

if __name__ == "__main__":
    main()
