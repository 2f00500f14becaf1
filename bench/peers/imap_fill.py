"""Fills the mailbox BOX of a Dovecot user with N messages of 2 to 20 KiB: imap_fill.py PORT USER BOX N"""

import imaplib
import random
import socket
import sys

port, user, box, n = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
imap = imaplib.IMAP4("127.0.0.1", int(port))
imap.login(user, "secret")
status, counts = imap.status(box, "(MESSAGES)")
if status == "OK" and int(counts[0].split()[-1].rstrip(b")")) == n:
    sys.exit()
imap.delete(box)
imap.create(box)
imap.logout()

random.seed(20020)
words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(2, 9))) for _ in range(2000)]


def message(i):
    head = (f"From: Sender {i} <s{i}@example.org>\r\nTo: Somebody <r@example.org>\r\nSubject: Message number {i}\r\n"
            f"Message-ID: <{i}.bench@example.org>\r\nDate: Mon, 01 Jan 2024 10:{i % 60:02d}:00 +0000\r\n\r\n")
    size, lines = random.choice([2000, 4000, 6000, 8000, 12000, 16000, 25000]), []
    while size > 0:
        lines.append(" ".join(random.choices(words, k=11)))
        size -= len(lines[-1]) + 2
    return (head + "\r\n".join(lines) + "\r\n").encode()


raw = socket.create_connection(("127.0.0.1", int(port)))
lines = raw.makefile("rb")


def answered(tag):
    while True:
        line = lines.readline()
        if not line or line.startswith(tag):
            if b" OK" not in line:
                sys.exit(f"imap_fill.py: {line!r}")
            return


raw.sendall(f"l LOGIN {user} secret\r\n".encode())
answered(b"l ")
for first in range(0, n, 200):
    parts = [b"a APPEND " + box.encode()]
    for i in range(first, min(first + 200, n)):
        m = message(i)
        parts.append(b" {%d+}\r\n" % len(m) + m)
    raw.sendall(b"".join(parts) + b"\r\n")
    answered(b"a ")
