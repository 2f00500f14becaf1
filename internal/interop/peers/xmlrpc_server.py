"""xmlrpc_server.py ADDRESS PORT: Python's own XML-RPC server, with a few functions, as a peer for tests."""
import datetime
import sys
import xmlrpc.client
from socketserver import ThreadingMixIn
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    rpc_paths = ("/", "/RPC2")


class Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


def echo(value):
    """returns its argument"""
    return value


def add(a, b):
    """adds two numbers"""
    return a + b


def fault():
    raise xmlrpc.client.Fault(42, "this method fails")


def types():
    return {
        "int": -7, "double": 1.5, "boolean": True, "string": "a <plain> text", "nil": None, "array": [1, "two"],
        "date": xmlrpc.client.DateTime(datetime.datetime(1998, 7, 17, 14, 8, 55)), "base64": xmlrpc.client.Binary(b"\0\1\2\xff"),
    }


def rows(count):
    """returns a number of structs"""
    return [{"id": i, "name": "row %d" % i, "price": i * 0.25, "ok": i % 2 == 0} for i in range(count)]


server = Server((sys.argv[1], int(sys.argv[2])), Handler, logRequests=False, allow_none=True)
for function in (echo, add, fault, types, rows):
    server.register_function(function)
server.register_introspection_functions()
server.register_multicall_functions()
server.serve_forever()
