"""nntp_fill.py FEED_PORT NNTP_PORT COUNT: fill local.bench with COUNT articles of 1 to 4 KiB, unless it has them."""
import random
import socket
import sys

feed, reader, count = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


def connect(port):
    s = socket.create_connection(('127.0.0.1', port))
    f = s.makefile('rwb')
    f.readline()
    return f


def ask(f, line):
    f.write(line + b'\r\n')
    f.flush()
    return f.readline()


there = int(ask(connect(reader), b'GROUP local.bench').split()[1])
if there < count:
    f, rnd = connect(feed), random.Random('news')
    assert ask(f, b'MODE STREAM').startswith(b'203')
    for start in range(there, count, 50):
        batch = range(start, min(count, start + 50))
        for n in batch:
            lines = b''.join(b'line %d of article %d, and some more text to fill it\r\n' % (i, n) for i in range(rnd.randrange(20, 75)))
            f.write(b'TAKETHIS <bench.%d@netclients.invalid>\r\nPath: bench!not-for-mail\r\nFrom: Poster %d <p%d@netclients.invalid>\r\n'
                    b'Newsgroups: local.bench\r\nSubject: article %d\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n'
                    b'Message-ID: <bench.%d@netclients.invalid>\r\n\r\n..a line that begins with a dot\r\n' % (n, n % 50, n % 50, n, n) + lines + b'.\r\n')
        f.flush()
        for n in batch:
            reply = f.readline()
            assert reply.startswith((b'239', b'439')), reply
