"""Reads a gopher menu with a plain socket, and prints its entries as JSON."""
import json
import socket
import sys

port, selector = int(sys.argv[1]), sys.argv[2]
with socket.create_connection(("127.0.0.1", port)) as s:
    s.sendall(selector.encode() + b"\r\n")
    for line in s.makefile("r", encoding="utf-8", newline="\r\n"):
        line = line.rstrip("\r\n")
        if line == ".":
            break
        fields = line[1:].split("\t")
        if len(fields) >= 4:
            print(json.dumps({"type": line[0], "name": fields[0], "selector": fields[1], "host": fields[2], "port": fields[3]}))
