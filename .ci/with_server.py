"""Runs a command with a development authorization server and the environment variables that the examples read.

usage: with_server.py COMMAND [ARGUMENT...]
"""

import subprocess
import sys

import processes

with processes.development_server() as started:
    environment = processes.clean_environment(
        TOKENWELL_TOKEN_ENDPOINT=started["token_endpoint"],
        TOKENWELL_CLIENT_ID=started["client_id"],
        TOKENWELL_CLIENT_SECRET=started["client_secret"],
        INTROSPECTION_ENDPOINT=started["introspection_endpoint"],
    )
    code = subprocess.run(sys.argv[1:], env=environment, check=False).returncode
sys.exit(code)
