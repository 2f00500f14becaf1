"""pop3_floor.py PORT USER COUNT FILE: fetch COUNT messages, pipelined, without parsing, storing only the size."""
import socket
import sys
import threading

port, user, count, name = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
s = socket.create_connection(('127.0.0.1', port))
s.sendall(b'USER %s\r\nPASS secret\r\n' % user.encode())
threading.Thread(target=lambda: s.sendall(b''.join(b'RETR %d\r\n' % (n + 1) for n in range(count)) + b'QUIT\r\n')).start()
size = 0
buf = bytearray(1 << 20)
while True:
    n = s.recv_into(buf)
    if not n:
        break
    size += n
with open(name, 'wb') as out:
    out.truncate(size)
