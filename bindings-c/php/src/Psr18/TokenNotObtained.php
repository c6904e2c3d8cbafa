<?php

declare(strict_types=1);

namespace Tokenwell\Psr18;

use Psr\Http\Client\RequestExceptionInterface;
use Psr\Http\Message\RequestInterface;
use Tokenwell\TokenwellError;

/** A request was not sent, for there is no token. `getPrevious()` is the TokenwellError. */
final class TokenNotObtained extends \RuntimeException implements RequestExceptionInterface
{
    public function __construct(private readonly RequestInterface $request, TokenwellError $error)
    {
        parent::__construct($error->getMessage(), 0, $error);
    }

    public function getRequest(): RequestInterface
    {
        return $this->request;
    }
}
