"""`python -m jaxalign` is the command `jaxalign`."""

from jaxalign.bench import app

if __name__ == "__main__":
    app()
