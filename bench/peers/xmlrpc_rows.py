"""xmlrpc_rows.py PORT COUNT: one call with a large response, printed as JSON."""
import json
import sys
import xmlrpc.client

port, count = int(sys.argv[1]), int(sys.argv[2])
with xmlrpc.client.ServerProxy('http://127.0.0.1:%d/RPC2' % port, allow_none=True) as server:
    print(json.dumps(server.rows(count)))
