"""Stands in for systemd at the end of NOTIFY_SOCKET: prints each notification as one line, its assignments separated by spaces."""
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(manager.recv(4096).decode().replace("\n", " "), flush=True)
