"""A server that speaks the Hugging Face Hub's protocol for models and datasets, kept in one folder.

Start it with `ROUNDHOUSE_HUB_TOKENS="USER=TOKEN" python -m infra.hub --root DIR --host 127.0.0.1 --port 0`.
Contents are files named by their sha256; repositories, refs, commits and trees are rows of one SQLite database.
"""
