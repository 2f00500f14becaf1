"""Stores files in a mailbox, one APPEND each: imap_append.py PORT USER BOX DIR"""

import imaplib
import os
import sys

port, user, box, folder = sys.argv[1:]
imap = imaplib.IMAP4("127.0.0.1", int(port))
imap.login(user, "secret")
for name in sorted(os.listdir(folder)):
    with open(f"{folder}/{name}", "rb") as f:
        imap.append(box, None, None, f.read())
imap.logout()
