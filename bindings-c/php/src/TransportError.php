<?php

declare(strict_types=1);

namespace Tokenwell;

/** No answer came: dns, connect, tls, proxy, timeout, closed. */
final class TransportError extends TokenwellError
{
}
