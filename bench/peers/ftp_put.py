"""ftp_put.py PORT LOCAL REMOTE: upload with ftplib."""
import ftplib
import sys

port, local, remote = sys.argv[1:]
with ftplib.FTP() as ftp, open(local, 'rb', buffering=0) as source:
    ftp.connect('127.0.0.1', int(port), timeout=60)
    ftp.login('alice', 'secret')
    ftp.storbinary('STOR ' + remote, source, blocksize=256 * 1024)
