"""The one way in which a request fails before it is even understood."""


class MalformedError(ValueError):
    """The request cannot be read as what the model says: AWS's SerializationException."""
