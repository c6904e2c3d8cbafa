"""The probe of the matrix in Python: see README.md."""

import json
import sys

import tokenwell

client = None
for line in sys.stdin:
    order = json.loads(line)
    try:
        if "new" in order:
            client = tokenwell.Client(**order["new"])
            answer = {}
        elif order["call"] == "dpop_proof":
            answer = {"result": client.dpop_proof(order["method"], order["url"], order["token"])}
        else:
            answer = {"result": getattr(client, order["call"])()}
    except tokenwell.TokenwellError as error:
        answer = {"error": error.code, "message": error.message}
    print(json.dumps(answer), flush=True)
