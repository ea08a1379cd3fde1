"""Refusals of the Scoro stand-in, by the HTTP status and envelope that answer them.

ApiError
  BadRequestError  400  missing or malformed parameter, unknown module or action
  NoKeyError       401  no key at all
  ForbiddenError   403  the key, token or entity is wrong
  NotFoundError    404  no such record (the status is the setting `not_found_status`)
"""


class ApiError(Exception):
    """Answered as an envelope with `status: "ERROR"`; `field` names the parameter where there is one."""

    status = 500

    def __init__(self, message: str, field: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class BadRequestError(ApiError):
    """A parameter is missing or malformed."""

    status = 400


class NoKeyError(ApiError):
    """The body names neither `apiKey` nor `user_token`."""

    status = 401


class ForbiddenError(ApiError):
    """The key, the token or the entity is not one that this site knows."""

    status = 403


class NotFoundError(ApiError):
    """No record of that module has this id in this entity."""

    status = 404
