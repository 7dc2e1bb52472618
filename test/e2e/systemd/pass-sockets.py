"""Does what systemd does for socket units: passes listening sockets to the program that it becomes.

pass-sockets.py [--transparent] [--nameless] NAME=PORT... -- PROGRAM ARGUMENT...

Each name has two sockets, for IPv4 and IPv6, as a unit with two ListenStream= has. --transparent is Transparent=yes.
--dual-stack passes the one for IPv6 alone, which takes IPv4 clients too, as ListenStream=PORT does.
--nameless passes them without names, as systemd-socket-activate does.
In place of a port: `unix` (ListenStream= of a path), `datagram` (ListenDatagram=), `connected` (Accept=yes).
"""
import os
import socket
import sys

IPV6_TRANSPARENT = 75
FIRST_DESCRIPTOR = 3
end = sys.argv.index("--")
program = sys.argv[end + 1 :]
is_transparent = "--transparent" in sys.argv[:end]
is_dual_stack = "--dual-stack" in sys.argv[:end]
families = [(socket.AF_INET6, "::")] if is_dual_stack else [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
doors = [word.split("=") for word in sys.argv[1:end] if "=" in word]


def other(kind):
    if kind == "unix":
        one = socket.socket(socket.AF_UNIX)
        one.bind("")  # In the abstract namespace, which leaves no file behind.
        one.listen()
    elif kind == "datagram":
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", 0))
    else:
        server = socket.create_server(("127.0.0.1", 0))
        one = socket.create_connection(server.getsockname())
    return one.detach()


def listen(family, host, port):
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if is_dual_stack else 1)
    if is_transparent and family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    elif is_transparent:
        one.setsockopt(socket.SOL_IP, socket.IP_TRANSPARENT, 1)
    one.bind((host, port))
    one.listen()
    return one.detach()


names = [name for name, _ in doors for _ in families]
opened = [
    listen(family, host, int(port)) if port.isdigit() else other(port)
    for _, port in doors
    for family, host in families
]
# Out of the way first: one may have another's number already.
parked = [os.dup2(descriptor, 100 + index) for index, descriptor in enumerate(opened)]
for index, descriptor in enumerate(parked):
    os.dup2(descriptor, FIRST_DESCRIPTOR + index, inheritable=True)
    os.close(descriptor)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)))
if "--nameless" not in sys.argv[:end]:
    os.environ.update(LISTEN_FDNAMES=":".join(names))
os.execvp(program[0], program)
