"""The embedded checkpoint, and how it is made: `python -m sceneviz.tiny` trains it again."""
