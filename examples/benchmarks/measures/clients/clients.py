"""Memory of many clients in Python: makes so many, with a scope and a token each, then as many again, and says what those took."""

import gc
import os
import sys

from tokenwell import Client

SAID = {"tls_ca_file": os.environ["CA_FILE"]} | {name.lower(): os.environ[name] for name in ("TOKEN_ENDPOINT", "CLIENT_ID", "CLIENT_SECRET")}


def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def make(first, count):
    kept = [Client(**SAID, scope=f"scope-{first + number}") for number in range(count)]
    for client in kept:
        client.token()
    return kept


warm, count = (int(word) for word in sys.argv[1:])
kept = make(0, warm)
before = resident()
kept += make(warm, count)
print(f'{{"bytes": {(resident() - before) / count:.0f}}}')
