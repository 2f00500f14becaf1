"""Prints flags, date, size and envelope of all messages as they arrive, not parsed: imap_list.py PORT USER BOX"""

import imaplib
import sys

port, user, box = sys.argv[1:]
imaplib._MAXLINE = 10_000_000
imap = imaplib.IMAP4("127.0.0.1", int(port))
imap.login(user, "secret")
imap.select(box, readonly=True)
_, parts = imap.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)")
for part in parts:
    print((part if isinstance(part, bytes) else part[0]).decode("utf-8", "replace"))
imap.logout()
