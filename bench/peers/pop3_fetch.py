"""pop3_fetch.py PORT USER FOLDER: store every message with poplib, one file each."""
import poplib
import sys

port, user, folder = sys.argv[1:]
pop = poplib.POP3('127.0.0.1', int(port), timeout=60)
pop.user(user)
pop.pass_('secret')
for n in range(1, pop.stat()[0] + 1):
    with open('%s/%d' % (folder, n), 'wb') as out:
        out.write(b'\r\n'.join(pop.retr(n)[1]) + b'\r\n')
pop.quit()
