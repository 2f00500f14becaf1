"""smtp_send.py HOST:PORT COUNT FILE TO: send a file COUNT times on one connection with smtplib."""
import smtplib
import sys

address, count, path, to = sys.argv[1:]
host, port = address.rsplit(':', 1)
with open(path, 'rb') as source:
    text = source.read()
with smtplib.SMTP(host, int(port), timeout=120) as client:
    for _ in range(int(count)):
        client.sendmail('a@lab.test', [to], text)
