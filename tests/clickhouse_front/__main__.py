"""``python -m tests.clickhouse_front DIRECTORY``: serve until standard input closes."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from tests.clickhouse_front.server import User, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.clickhouse_front")
    parser.add_argument("directory", type=Path, help="data of the engine")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0: a free one")
    parser.add_argument("--user", action="append", default=[], help="NAME:PASSWORD, may write")
    parser.add_argument("--reader", action="append", default=[], help="NAME:PASSWORD, may not")
    options = parser.parse_args()
    users = [User("default", "")]
    for texts, read_only in ((options.user, False), (options.reader, True)):
        for text in texts:
            name, _, password = text.partition(":")
            users.append(User(name, password, read_only))
    server = serve(options.directory, options.port, users)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()
    server.shutdown()
    server.engine.close()


if __name__ == "__main__":
    main()
