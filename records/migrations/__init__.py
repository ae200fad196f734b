"""The migrations of the SQL schema, oldest first. They are never edited once released."""
