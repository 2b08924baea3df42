"""What is wrong with a selector."""


class SelectorError(ValueError):
    """The text is no selector; the error's own text is the apiserver's message."""
