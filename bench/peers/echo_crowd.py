"""Opens many connections at once, sends a line on each, and expects each line back: HOST PORT CONNECTIONS.

It waits for the server to come up, and has all connections open before the first line is sent.
"""
import resource
import selectors
import socket
import sys
import time

host, port, many = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connect():
    for _ in range(500):
        try:
            return socket.create_connection((host, port))
        except ConnectionRefusedError:
            time.sleep(0.01)
    sys.exit("the server does not come up")


conns = [connect() for _ in range(many)]
waiting = selectors.DefaultSelector()
for i, conn in enumerate(conns):
    waiting.register(conn, selectors.EVENT_READ, [b"line %d\n" % i, b""])
    conn.sendall(b"line %d\n" % i)
left, end = many, time.monotonic() + 50
while left and time.monotonic() < end:
    for key, _ in waiting.select(1):
        got = key.fileobj.recv(100)
        if not got:
            sys.exit("a connection was closed")
        key.data[1] += got
        if key.data[1] == key.data[0]:
            waiting.unregister(key.fileobj)
            left -= 1
if left:
    sys.exit(f"{left} of {many} connections got no answer")
