"""ftp_tls_get.py PORT CA REMOTE LOCAL: download over explicit TLS, with the workaround that lets ftplib resume the
control connection's session on the data connection, which it does not do by itself."""
import ftplib
import ssl
import sys


class ReusingFTP(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session), size


port, ca, remote, local = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
with ReusingFTP(context=context) as ftp, open(local, 'wb', buffering=0) as out:
    ftp.connect('127.0.0.1', int(port), timeout=60)
    ftp.login('alice', 'secret')
    ftp.prot_p()
    ftp.retrbinary('RETR ' + remote, out.write, blocksize=256 * 1024)
