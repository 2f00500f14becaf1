"""Fetches a mailbox to one file per message, STEP (500) at a time: imap_fetch.py PORT USER BOX DIR [STEP]"""

import imaplib
import sys

port, user, box, folder = sys.argv[1:5]
step = int((sys.argv + ["500"])[5])
imaplib._MAXLINE = 10_000_000
imap = imaplib.IMAP4("127.0.0.1", int(port))
imap.login(user, "secret")
_, data = imap.select(box, readonly=True)
total = int(data[0])
for first in range(1, total + 1, step):
    _, parts = imap.fetch(f"{first}:{min(first + step - 1, total)}", "(UID BODY.PEEK[])")
    for part in parts:
        if isinstance(part, tuple):
            with open(f"{folder}/{part[0].split()[2].decode()}", "wb") as f:
                f.write(part[1])
imap.logout()
