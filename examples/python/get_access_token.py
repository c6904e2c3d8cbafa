"""Prints an access token for TOKENWELL_CLIENT_ID, TOKENWELL_CLIENT_SECRET and TOKENWELL_TOKEN_ENDPOINT."""

from tokenwell import get_token_by_client_id_and_client_secret

print(get_token_by_client_id_and_client_secret())
