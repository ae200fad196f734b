"""The session's page, in NiceGUI: each panel shows one facade. The API beside it offers programs the same."""
