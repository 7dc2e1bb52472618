"""Runs a command by npm at a terminal of its own, as `npm start` does, and prints the lines of its log. SIGUSR1 presses Ctrl-C, SIGTERM is
passed on. The exit code is npm's, and so the command's."""
import os
import pty
import shlex
import signal
import sys
import termios

npm, terminal = pty.fork()
if npm == 0:
    settings = termios.tcgetattr(0)
    settings[1] &= ~termios.OPOST
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, settings)
    os.execvp("npm", ["npm", "exec", "--offline", "--silent", "--call", "exec " + shlex.join(sys.argv[1:])])

signal.signal(signal.SIGUSR1, lambda *_: os.write(terminal, b"\x03"))
signal.signal(signal.SIGTERM, lambda *_: os.kill(npm, signal.SIGTERM))


def read_lines():
    with open(terminal, "rb", closefd=False) as output:
        try:
            yield from output
        except OSError:  # nobody has the terminal open any more
            return


for line in read_lines():
    if line.startswith(b"{"):  # no banner, and not the empty line at the end of npm
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
# Python gives signals back to the kernel while it ends: one more press would end it first.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os._exit(os.waitstatus_to_exitcode(os.waitpid(npm, 0)[1]))
