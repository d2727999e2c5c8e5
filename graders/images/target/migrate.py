"""A program: runs the SQL of its standard input in one transaction on DATABASE_URL.

When it fails, it says where (a character's number, where the server tells one), a space, and why, and ends with 1.
"""

from __future__ import annotations

import os
import sys

from pg8000.exceptions import DatabaseError, InterfaceError

from graders.images.target.connections import connected


def main() -> None:
    """Run it."""
    text = sys.stdin.buffer.read().decode()
    try:
        with connected(os.environ["DATABASE_URL"]) as connection:
            for statements in ("BEGIN", text, "COMMIT"):
                connection.run(statements)
    except DatabaseError as error:
        told = error.args[0] if error.args and isinstance(error.args[0], dict) else {"M": str(error)}
        sys.exit(f"{told.get('P', '')} {told.get('M', '')}")
    except (InterfaceError, OSError, MemoryError) as error:
        sys.exit(f" {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
