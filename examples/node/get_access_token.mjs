// Prints an access token for TOKENWELL_CLIENT_ID, TOKENWELL_CLIENT_SECRET and TOKENWELL_TOKEN_ENDPOINT.
import { getTokenByClientIdAndClientSecret } from 'tokenwell';

console.log(await getTokenByClientIdAndClientSecret());
