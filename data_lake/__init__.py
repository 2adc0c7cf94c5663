"""What is stored and where: settings, records, the layout of the lake, manifests, the DuckDB catalog."""
