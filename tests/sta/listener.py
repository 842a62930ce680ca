"""listener.py -- an open listener of our own (tests/open/run), started and ended."""
import os
import signal
import subprocess
import sys


def start(tasking=False):
    """Its process, its URL, and HOST:PORT of MQTT; ends this program when it does not start."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    child = subprocess.Popen([os.path.join(root, 'tests/open/run')] + (['--tasking'] if tasking else []), stdout=subprocess.PIPE,
                             text=True, cwd=root, start_new_session=True)
    said = {}
    for line in child.stdout:
        word, _, rest = line.strip().partition(' ')
        said[word] = rest.strip()
        if word == 'ready':
            return child, said['http'], said['mqtt'].partition('//')[2]
    child.wait()
    sys.exit('the open listener did not start')


def end(child):
    child.send_signal(signal.SIGTERM)
    child.wait()
