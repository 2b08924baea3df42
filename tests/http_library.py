"""`python -m tests.http_library`: is aiohttp as new as its last known vulnerability asks, and does it parse in C?

The pure Python parser was the one with the smuggling bugs (PYSEC-2026-4371), and a build without the C one falls
back to it without a word.
"""

import sys
from importlib.metadata import version

from aiohttp import http_parser

OLDEST = (3, 14, 5)


def main() -> int:
    """Print what is there, and return 1 when it will not do."""
    installed = version("aiohttp")
    parsed_in_c = http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy
    sys.stdout.write(f"aiohttp {installed}, parser in {'C' if parsed_in_c else 'pure Python'}\n")
    if tuple(int(part) for part in installed.split(".")[:3]) < OLDEST:
        sys.stdout.write(f"aiohttp must be {'.'.join(map(str, OLDEST))} or newer\n")
        return 1
    return 0 if parsed_in_c else 1


if __name__ == "__main__":
    sys.exit(main())
