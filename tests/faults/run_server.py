"""Begins runs, or goes on with them, each in a process of its own that need not import anything first.

Reads lines `RUN<tab>LOG`, and prints for each the number of its process, then its exit status.
"""

import os
import sys
import traceback

import killable


def child(path, log):
    """What the process does; never returns."""
    status = 1
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        killable.main(path)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


for line in sys.stdin:
    path, log = line.rstrip("\n").split("\t")
    process = os.fork()
    if not process:
        child(path, log)
    print(process, flush=True)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # until then the number is its own
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
