"""The file of routes that Dokploy writes for Traefik, one per application (FACTS-2 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def _router(name: str, rule: str, service: str, middlewares: Sequence[str], entry: str) -> list[str]:
    lines = [f"    {name}:", f"      rule: {rule}", f"      service: {service}"]
    if middlewares:
        lines.append("      middlewares:")
        lines.extend(f"        - {middleware}" for middleware in middlewares)
    else:
        lines.append("      middlewares: []")
    return [*lines, "      entryPoints:", f"        - {entry}"]


def _routers(app_name: str, domain: Mapping[str, Any]) -> list[str]:
    key = domain["uniqueConfigKey"]
    service = f"{app_name}-service-{key}"
    path = domain["path"] or "/"
    rule = f"Host(`{domain['host']}`)" + (f" && PathPrefix(`{path}`)" if path != "/" else "")
    own = [f"stripprefix-{app_name}-{key}"] if domain["stripPath"] and path != "/" else []
    plain = ["redirect-to-https"] if domain["https"] else own
    lines = _router(f"{app_name}-router-{key}", rule, service, plain, "web")
    if domain["https"]:
        lines += _router(f"{app_name}-router-websecure-{key}", rule, service, own, "websecure")
        resolver = _resolver(domain)
        if resolver:
            lines += ["      tls:", f"        certResolver: {resolver}"]
    return lines


def _resolver(domain: Mapping[str, Any]) -> str | None:
    if domain["certificateType"] == "letsencrypt":
        return "letsencrypt"
    resolver: str | None = domain["customCertResolver"]
    return resolver if domain["certificateType"] == "custom" else None


def render(app_name: str, domains: Sequence[Mapping[str, Any]]) -> str | None:
    """The YAML text, or None where Dokploy keeps no file."""
    if not domains:
        return None
    lines = ["http:", "  routers:"]
    for domain in domains:
        lines += _routers(app_name, domain)
    lines.append("  services:")
    for domain in domains:
        lines += [
            f"    {app_name}-service-{domain['uniqueConfigKey']}:",
            "      loadBalancer:",
            "        servers:",
            f"          - url: http://{app_name}:{domain['port']}",
            "        passHostHeader: true",
        ]
    return "\n".join(lines) + "\n"
