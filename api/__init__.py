"""The faces of the records: what people and tools reach over HTTP.

Writes desired state and nothing else. The only calls it makes to a Dokploy are readings of logs.
"""
