"""Reads the responses to one FETCH of all messages and discards them; prints a line for each message where the output is
checked: imap_floor.py PORT USER BOX ITEMS [FILE FOR A COUNT]"""

import socket
import sys

port, user, box, items = sys.argv[1:5]
raw = socket.create_connection(("127.0.0.1", int(port)))
lines = raw.makefile("rb")


def command(tag, text):
    raw.sendall(tag + b" " + text.encode() + b"\r\n")
    if tag == b"f":
        return
    while not lines.readline().startswith(tag + b" "):
        pass


lines.readline()
command(b"l", f"LOGIN {user} secret")
command(b"s", f"EXAMINE {box}")
command(b"f", f"UID FETCH 1:* {items}")
tail, total = b"", 0
while b"\r\nf OK" not in tail:
    block = raw.recv(1 << 20)
    if not block:
        sys.exit("imap_floor.py: the connection has ended")
    total += len(block)
    tail = (tail + block)[-300:]
if len(sys.argv) > 5:
    with open(sys.argv[5], "wb") as f:
        f.truncate(total)
