"""The process that stops the server when the last one using it has ended, even by kill -9.

Run as `python -m config.embedded.watchdog BASE`, detached; `ensure` sees to that.
"""

import sys
from pathlib import Path

from config.embedded import cluster as clusters
from config.embedded import locks


def watch(cluster: clusters.Cluster) -> None:
    """Wait until nobody holds the lease, stop the server, end."""
    home = cluster.home
    with (home / locks.WATCH).open("a") as watching:
        # Somebody who only looked whether we are here may hold it for an instant, another watchdog for long.
        if not locks.obtained(watching, within_seconds=1):
            return
        while True:
            with locks.held(home / locks.LEASE):
                pass
            with locks.held(home / locks.START):
                if locks.is_free(home / locks.LEASE):
                    clusters.stop(cluster)
                    # Off duty before the door opens: whoever starts the server next must see that.
                    watching.close()
                    return


if __name__ == "__main__":
    watch(clusters.locate(Path(sys.argv[1])))
