"""Recreates a mailbox, empty: imap_empty.py PORT USER BOX; with COUNT it checks the number of messages instead."""

import imaplib
import sys

port, user, box = sys.argv[1:4]
imap = imaplib.IMAP4("127.0.0.1", int(port))
imap.login(user, "secret")
if len(sys.argv) > 4:
    _, counts = imap.status(box, "(MESSAGES)")
    if int(counts[0].split()[-1].rstrip(b")")) != int(sys.argv[4]):
        sys.exit(f"{box} holds {counts[0].decode()}, want {sys.argv[4]}")
else:
    imap.delete(box)
    imap.create(box)
imap.logout()
