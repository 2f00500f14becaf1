"""pop3_list.py PORT USER: list number, size, unique id and header of every message with poplib, as JSON."""
import email.parser
import json
import poplib
import sys

port, user = sys.argv[1:]
pop = poplib.POP3('127.0.0.1', int(port), timeout=60)
pop.user(user)
pop.pass_('secret')
ids = dict(line.split() for line in pop.uidl()[1])
for line in pop.list()[1]:
    number, size = line.split()[:2]
    head = email.parser.BytesHeaderParser().parsebytes(b'\r\n'.join(pop.top(int(number), 0)[1]))
    print(json.dumps({'number': int(number), 'size': int(size), 'uid': ids[number].decode(), 'from': head['from'],
                      'to': head['to'], 'subject': head['subject'], 'date': head['date'], 'message_id': head['message-id']}))
pop.quit()
