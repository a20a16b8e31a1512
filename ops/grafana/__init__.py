"""Dashboards as code: panels are listed in Python, and the JSON that Grafana provisions is generated from them."""
