"""What test_supervisor runs as a service: a process with a child, like a web server with its workers."""

import signal
import subprocess
import sys

child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())
child.wait()
