"""pop3_fill.py IMAP_PORT USER COUNT: fill the INBOX with COUNT messages of about 3 KiB, unless it has them."""
import imaplib
import sys

port, user, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
imap = imaplib.IMAP4('127.0.0.1', int(port))
imap.login(user, 'secret')
there = int(imap.select()[1][0])
if there != count:
    if there:
        imap.store('1:*', '+FLAGS.SILENT', '\\Deleted')
        imap.expunge()
    for start in range(0, count, 500):
        parts = []
        for n in range(start, min(count, start + 500)):
            lines = b''.join(b'line %d of message %d, and some more text to fill it up to the end\r\n' % (i, n) for i in range(47))
            text = (b'From: user%d@example.org\r\nTo: alice@example.org\r\nSubject: message %d\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n'
                    b'Message-ID: <m%d@example.org>\r\n\r\n.a line that begins with a dot\r\n' % (n, n, n)) + lines
            parts.append(b' {%d+}\r\n' % len(text) + text)
        imap.send(b'fill%d APPEND INBOX' % start + b''.join(parts) + b'\r\n')
        while not imap.readline().startswith(b'fill%d OK' % start):
            pass
imap.logout()
