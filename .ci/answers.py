"""Exit with 0 if the PostgreSQL or Redis server of an address (DATABASE_URL style) answers."""

import sys

import environ
import psycopg
import redis


def main(address: str) -> None:
    """Ask the server for something trivial."""
    if address.startswith("redis"):
        redis.Redis.from_url(address, socket_connect_timeout=3).ping()
        return
    server = environ.Env.db_url_config(address)
    # Not the database itself: the tests create theirs.
    psycopg.connect(
        host=server["HOST"],
        port=server["PORT"] or None,
        user=server["USER"],
        password=server["PASSWORD"] or None,
        dbname="postgres",
        connect_timeout=3,
    ).close()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (psycopg.Error, redis.RedisError):
        sys.exit(1)
