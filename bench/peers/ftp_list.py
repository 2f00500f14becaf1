"""ftp_list.py PORT REMOTE: parse LIST lines as they arrive and print one JSON object for each."""
import ftplib
import json
import sys


def show(line):
    mode, _, owner, group, size, month, day, time, name = line.split(None, 8)
    print(json.dumps({'name': name, 'type': 'dir' if mode[0] == 'd' else 'file', 'size': int(size),
                      'modified': f'{month} {day} {time}', 'mode': mode, 'owner': owner, 'group': group}))


port, remote = sys.argv[1:]
with ftplib.FTP() as ftp:
    ftp.connect('127.0.0.1', int(port), timeout=60)
    ftp.login('alice', 'secret')
    ftp.retrlines('LIST ' + remote, show)
