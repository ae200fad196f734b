"""The vocabulary of Berth: what a person declares, and what is reported back.

Every type here is a pydantic model of the Kubernetes object shape (``metadata``, ``spec``,
``status``). The package knows nothing of storage, Dokploy or HTTP; everything else imports it.
"""
