"""The forms of REDIS_URL that both Celery and redis-py understand, and how each of them is told.

What only one of them understands is refused: the other one would fail later, or use another database.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

FORMS = (
    "it must be redis://:password@host:6379/0, rediss:// for TLS, or unix://:password@/run/redis.sock?db=0; "
    "write / ? # [ ] % of a password as %2F %3F %23 %5B %5D %25"
)
_TLS = {
    *("ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_keyfile_password"),
    *("ssl_check_hostname", "ssl_ciphers"),
}
_MAY_FOLLOW = {"redis": set[str](), "rediss": _TLS, "unix": {"db"}}


def check(url: str) -> None:
    """Raises ValueError with the forms that are understood, or with what one of them cannot have."""
    scheme, _, rest = url.partition("://")
    if "sentinel" in scheme or "," in rest.rpartition("@")[2].partition("/")[0]:
        raise ValueError(f"Sentinel and Cluster are not served, one server is: {FORMS}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(FORMS) from None  # what urllib says may hold a part of the password
    placed = parts.path.strip("/") if parts.scheme == "unix" else parts.hostname and port != 0
    if parts.scheme not in _MAY_FOLLOW or not placed or parts.fragment:
        raise ValueError(FORMS)
    if parts.scheme == "unix" and parts.hostname:
        raise ValueError("a socket has three slashes before its path: unix:///run/redis.sock")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if {"username", "password"} & query.keys():
        raise ValueError("a password stands before the host, redis://:password@host:6379/0")
    database = query.get("db", "0") if parts.scheme == "unix" else parts.path.strip("/") or "0"
    if not (database.isascii() and database.isdigit()):
        raise ValueError("the database is a number: redis://host:6379/0, unix:///run/redis.sock?db=0")
    if unknown := query.keys() - _MAY_FOLLOW[parts.scheme]:
        raise ValueError(f"{min(unknown)} cannot follow the ? there; {FORMS}")
    if query.get("ssl_cert_reqs", "required") not in ("none", "optional", "required"):
        raise ValueError("ssl_cert_reqs is none, optional or required")


def for_celery(url: str) -> str:
    """The same Redis, as Celery's transport names it. It would trust any certificate by default."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme == "rediss":
        return parts._replace(query=urlencode({"ssl_cert_reqs": "required"} | query)).geturl()
    if parts.scheme == "unix":
        database = urlencode({"virtual_host": query.get("db", "0")})
        return f"redis+socket://{parts.netloc}{parts.path}?{database}"
    return url
