"""nntp_floor.py PORT over|articles COUNT FILE: the server's maximum: all commands in a few writes, nothing parsed."""
import socket
import sys
import threading

port, what, count, path = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
s = socket.create_connection(('127.0.0.1', port))
first = int(s.makefile('rb', buffering=0).readline()[:3])
s.sendall(b'GROUP local.bench\r\n')
low = int(s.recv(65536).split()[2])
if what == 'over':
    commands = b'OVER %d-%d\r\nQUIT\r\n' % (low, low + count - 1)
else:
    commands = b''.join(b'ARTICLE %d\r\n' % n for n in range(low, low + count)) + b'QUIT\r\n'
threading.Thread(target=s.sendall, args=(commands,), daemon=True).start()
buf, total = bytearray(1 << 18), 0
while True:
    n = s.recv_into(buf)
    if n == 0:
        break
    total += n
with open(path, 'w') as f:
    f.write('x' * total)
