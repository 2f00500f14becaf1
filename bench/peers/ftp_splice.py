"""ftp_splice.py PORT REMOTE LOCAL: download without the bytes ever entering the process: the floor."""
import fcntl
import ftplib
import os
import sys

F_SETPIPE_SZ = 1031
CHUNK = 1 << 20

port, remote, local = sys.argv[1:]
with ftplib.FTP() as ftp, open(local, 'wb') as out:
    ftp.connect('127.0.0.1', int(port), timeout=60)
    ftp.login('alice', 'secret')
    ftp.voidcmd('TYPE I')
    data = ftp.transfercmd('RETR ' + remote)
    data.setblocking(True)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, CHUNK)
    while count := os.splice(data.fileno(), writer, CHUNK):
        while count:
            count -= os.splice(reader, out.fileno(), count)
    data.close()
    ftp.voidresp()
