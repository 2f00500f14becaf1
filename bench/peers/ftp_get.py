"""ftp_get.py PORT REMOTE LOCAL: download with ftplib, in its largest useful blocks."""
import ftplib
import sys

port, remote, local = sys.argv[1:]
with ftplib.FTP() as ftp, open(local, 'wb', buffering=0) as out:
    ftp.connect('127.0.0.1', int(port), timeout=60)
    ftp.login('alice', 'secret')
    ftp.retrbinary('RETR ' + remote, out.write, blocksize=256 * 1024)
