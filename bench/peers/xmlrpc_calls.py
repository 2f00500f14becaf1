"""xmlrpc_calls.py PORT COUNT: COUNT calls of add on one connection; prints each sum."""
import sys
import xmlrpc.client

port, count = int(sys.argv[1]), int(sys.argv[2])
with xmlrpc.client.ServerProxy('http://127.0.0.1:%d/RPC2' % port) as server:
    for i in range(count):
        print(server.add(i, 1000000))
