"""What a forked process does first: it takes the files, the folder and the words that it was told, and begins.

`forked.py` runs this in the new process, with what is told among its names.
"""

import os
import runpy
import sys

words, files, cwd, environment = (globals()[name] for name in ("words", "files", "cwd", "environment"))

for number, path in enumerate(files):
    opened = os.open(path, (os.O_RDONLY if number == 0 else os.O_WRONLY) | os.O_APPEND)
    os.dup2(opened, number)
    os.close(opened)
os.chdir(cwd)
os.environ.clear()
os.environ.update(environment)
sys.argv = list(words)
runpy.run_module(words[0], run_name="__main__", alter_sys=True)
