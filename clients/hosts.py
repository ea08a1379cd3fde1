"""Which addresses we may call: public ones over https, and local ones only where that is allowed."""

import ipaddress
from urllib.parse import urlsplit


def is_local_host(host: str) -> bool:
    """Whether a host is loopback, a private address or a single label, that is no host of the internet."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host.rstrip(".")


def host_of(url: str, *, allow_local: bool) -> str:
    """The host of a base URL, which must be https and public; with `allow_local` also http on local hosts.

    Raises ValueError that says what is wrong.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no plain URL with a host")
    if is_local_host(host) and not allow_local:
        raise ValueError(f"{url!r} is local; allow local endpoints if that is meant")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_local and is_local_host(host)):
        raise ValueError(f"{url!r} does not use https")
    return host
