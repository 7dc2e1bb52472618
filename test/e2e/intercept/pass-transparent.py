"""Does what systemd does for a socket unit with Transparent=yes: passes listening sockets to the program that it becomes.

pass-transparent.py NAME PORT PROGRAM ARGUMENT...
"""
import os
import socket
import sys

IPV6_TRANSPARENT = 75
name, port, *program = sys.argv[1:]

ipv4 = socket.socket(socket.AF_INET)
ipv4.setsockopt(socket.SOL_IP, socket.IP_TRANSPARENT, 1)
ipv4.bind(("0.0.0.0", int(port)))
ipv6 = socket.socket(socket.AF_INET6)
ipv6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
ipv6.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
ipv6.bind(("::", int(port)))

# Out of the way first: either may have the other's number already.
passed = [os.dup2(one.detach(), 20 + index) for index, one in enumerate((ipv4, ipv6))]
for index, descriptor in enumerate(passed):
    os.dup2(descriptor, 3 + index)
    os.close(descriptor)
    os.set_inheritable(3 + index, True)
    socket.socket(fileno=os.dup(3 + index)).listen()
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES=f"{name}:{name}")
os.execvp(program[0], program)
