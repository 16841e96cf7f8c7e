"""What test_supervisor runs as a service: a process with a child, like a web server with its workers."""

import os
import signal
import subprocess
import sys

# Before there is a child, so that no moment is left in which the signal would reach this process alone.
signal.signal(signal.SIGTERM, lambda number, frame: os.killpg(0, signal.SIGKILL))
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]).wait()
