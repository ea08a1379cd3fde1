"""Errors of finding and starting services, by what the caller does next.

ServiceError
  ServiceMissing    nothing suitable is installed or running; the message ends with the line to type
  ServiceUnusable   it is there but cannot be used; the message says why and what to do
"""


class ServiceError(Exception):
    """A service that the product needs could not be provided."""


class ServiceMissing(ServiceError):
    """Nothing suitable is installed or running; the message ends with the line to type."""


class ServiceUnusable(ServiceError):
    """The service is there but cannot be used; the message says why and what to do."""
