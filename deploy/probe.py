"""Asks the process of this container whether it is ready; exit code 0 when it is. Run without site-packages, so that it is cheap."""

import os
import socket
import sys

with socket.create_connection(
    ("127.0.0.1", int(os.environ.get("UPDRAFT_HTTP_PORT") or 8000)), timeout=10
) as connection:
    connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
    sys.exit(b" 200 " not in connection.recv(64))
