"""ftp_tree.py PORT REMOTE LOCAL: download a tree with ftplib over one connection."""
import ftplib
import os
import sys


def fetch(ftp, remote, local):
    os.makedirs(local)
    lines = []
    ftp.retrlines('LIST ' + remote, lines.append)
    for line in lines:
        name = line.split(None, 8)[8]
        if line.startswith('d'):
            fetch(ftp, f'{remote}/{name}', f'{local}/{name}')
            continue
        with open(f'{local}/{name}', 'wb', buffering=0) as out:
            ftp.retrbinary(f'RETR {remote}/{name}', out.write)


port, remote, local = sys.argv[1:]
with ftplib.FTP() as ftp:
    ftp.connect('127.0.0.1', int(port), timeout=60)
    ftp.login('alice', 'secret')
    fetch(ftp, remote, local)
