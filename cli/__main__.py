"""``berth``: the command line."""

from __future__ import annotations

from cli.app import app


def main() -> None:
    """Run the command line of this program and exit with its code."""
    app(prog_name="berth")


if __name__ == "__main__":
    main()
