"""The stored records, and their file."""
