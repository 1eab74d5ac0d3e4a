"""Connections, transactions, driver errors and the schema."""
