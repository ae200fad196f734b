"""The terminals of the session: shells on real pseudo-terminals, which outlive the page that shows them."""
