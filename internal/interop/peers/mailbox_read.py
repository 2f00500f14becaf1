"""mailbox_read.py maildir|mbox PATH: print subject, flags, bytes and SHA-256 of every message, as lines of JSON."""
import hashlib
import json
import mailbox
import sys

kind, path = sys.argv[1:]
box = mailbox.Maildir(path, create=False) if kind == 'maildir' else mailbox.mbox(path, create=False)
for key in box.iterkeys():
    text, message = box.get_bytes(key), box[key]
    print(json.dumps({'subject': message['subject'], 'flags': message.get_flags(), 'size': len(text), 'sum': hashlib.sha256(text).hexdigest()}))
